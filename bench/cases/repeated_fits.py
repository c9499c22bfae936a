"""20 fits of one model on data of 20 sizes: `repeated_fits.py LIBRARY seconds|programs`.

`seconds` is the median of a fit after the first two, `programs` how many were compiled in all 20.
"""

import json
import statistics
import time

import networks
import numpy as np
from libraries import arguments_given, load, name_given
from programs import compiled_from_now

library = load(name_given())
(measured,) = arguments_given()
x = np.random.RandomState(0).randn(1000 + 37 * 19, 8).astype(np.float32)
y = x.sum(1, keepdims=True)
model = networks.small(library)
model.compile(loss="mse", optimizer="adam")
programs, seconds = compiled_from_now(), []
for i in range(20):
    rows = 1000 + 37 * i
    begun = time.perf_counter()
    model.fit(x[:rows], y[:rows], batch_size=32, epochs=1, verbose=0)
    seconds.append(time.perf_counter() - begun)
print(json.dumps({"value": {"seconds": statistics.median(seconds[2:]), "programs": len(programs)}[measured]}))
