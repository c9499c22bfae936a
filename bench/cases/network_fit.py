"""Training a network of `networks.py` at batch 64: `network_fit.py LIBRARY NETWORK step|first|processor`.

`step` is the median of a step's seconds, `processor` the seconds of both cores in it, `first` the seconds from `fit` to the first
finished step, compilation included.
"""

import json
import statistics
import time

import networks
import numpy as np
from libraries import arguments_given, load, name_given
from timing import epoch_timer

BATCH = 64

library = load(name_given())
network, measured = arguments_given()
model = getattr(networks, network)(library)
steps = {"resnet20": 5, "lstm": 20, "transformer": 20, "residual_1d": 10}[network] if measured != "first" else 1
rng = np.random.RandomState(0)
x = rng.randn(steps * BATCH, *model.input_shape[1:]).astype(np.float32)
y = rng.randint(0, 10, steps * BATCH)
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
if measured == "first":
    begun = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    value = time.perf_counter() - begun
else:
    clock = {"step": time.perf_counter, "processor": time.process_time}[measured]
    timer, seconds = epoch_timer(library, clock)
    model.fit(x, y, batch_size=BATCH, epochs=7, verbose=0, callbacks=[timer])
    value = statistics.median(seconds[2:]) / steps
print(json.dumps({"value": value}))
