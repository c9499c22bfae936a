"""Data of 1 to 200 rows through `predict`, `evaluate` and `model(x)` of one model.

`repeated_calls.py LIBRARY programs|memory`: how many programs were compiled, or by how many MiB the process grew after
the first 20 sizes.
"""

import gc
import json

import networks
import numpy as np
from libraries import arguments_given, load, name_given
from memory import resident
from programs import compiled_from_now

library = load(name_given())
(measured,) = arguments_given()
x = np.random.RandomState(0).randn(200, 8).astype(np.float32)
y = x.sum(1, keepdims=True)
model = networks.small(library)
model.compile(loss="mse", optimizer="adam")
programs = compiled_from_now()
for rows in range(1, 201):
    model.predict(x[:rows], verbose=0)
    model.evaluate(x[:rows], y[:rows], verbose=0)
    np.asarray(model(x[:rows]))
    if rows == 20:
        gc.collect()
        start = resident()
gc.collect()
print(json.dumps({"value": {"programs": len(programs), "memory": max(0, resident() - start)}[measured]}))
