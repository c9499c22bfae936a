"""Seconds of one call, once compiled: `latency.py LIBRARY predict|call|train_on_batch small|deep`.

`predict` and `model(x)` are given one row, `train_on_batch` 32; all return numbers that NumPy can read.
"""

import json

import networks
import numpy as np
from libraries import arguments_given, load, name_given
from timing import median_seconds

library = load(name_given())
task, size = arguments_given()
rng = np.random.RandomState(0)
if task == "train_on_batch":
    model = networks.small(library, activation="sigmoid")
    model.compile(loss="binary_crossentropy", optimizer="adam")
    x = rng.randn(32, 8).astype(np.float32)
    y = (x[:, :1] > 0).astype(np.float32)
else:
    model = {"small": networks.small, "deep": networks.deep}[size](library)
    x = rng.randn(1, model.inputs[0].shape[-1]).astype(np.float32)
work = {
    "predict": lambda: model.predict(x, verbose=0),
    "call": lambda: np.asarray(model(x)),
    "train_on_batch": lambda: np.asarray(model.train_on_batch(x, y)),
}
print(json.dumps({"value": median_seconds(work[task])}))
