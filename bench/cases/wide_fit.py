"""Training an MLP of 20 million weights: `wide_fit.py LIBRARY seconds|memory`.

`seconds` is the median of a step, `memory` the MiB between the process before the model is built and its peak.
"""

import json
import statistics

import networks
import numpy as np
from libraries import arguments_given, load, name_given
from memory import peak, resident
from timing import epoch_timer

STEPS, BATCH = 20, 64

library = load(name_given())
(measured,) = arguments_given()
rng = np.random.RandomState(0)
x, y = rng.randn(STEPS * BATCH, 1024).astype(np.float32), rng.randint(0, 10, STEPS * BATCH)
start = resident()
model = networks.wide(library)
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
timer, seconds = epoch_timer(library)
model.fit(x, y, batch_size=BATCH, epochs=4, verbose=0, callbacks=[timer])
print(json.dumps({"value": {"seconds": statistics.median(seconds[1:]) / STEPS, "memory": peak() - start}[measured]}))
