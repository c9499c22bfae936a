"""Training a network of `networks.py`: `network_fit.py LIBRARY NETWORK step|first|processor [bfloat16]`.

`step` is the median of a step's seconds, `processor` the seconds of both cores in it, `first` the seconds from `fit` to the first
finished step, compilation included.
"""

import json
import statistics
import time

import networks
import numpy as np
from libraries import arguments_given, load, name_given
from network_sizes import BATCHES, STEPS
from timing import epoch_timer

library = load(name_given())
network, measured, *dtype = arguments_given()
if dtype:
    library.config.set_dtype_policy(f"mixed_{dtype[0]}")
model = getattr(networks, network)(library)
batch, steps = BATCHES[network], STEPS[network] if measured != "first" else 1
rng = np.random.RandomState(0)
x = rng.randn(steps * batch, *model.input_shape[1:]).astype(np.float32)
y = rng.randint(0, 10, steps * batch)
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
if measured == "first":
    begun = time.perf_counter()
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    value = time.perf_counter() - begun
else:
    clock = {"step": time.perf_counter, "processor": time.process_time}[measured]
    timer, seconds = epoch_timer(library, clock)
    model.fit(x, y, batch_size=batch, epochs=7, verbose=0, callbacks=[timer])
    value = statistics.median(seconds[2:]) / steps
print(json.dumps({"value": value}))
