"""Seconds of `predict` of one row, once compiled."""

import json
import statistics
import time

import numpy as np
from libraries import load, name_given

library = load(name_given())
layers = library.layers
model = library.Sequential(
    [library.Input((8,)), layers.Dense(32, activation="relu"), layers.BatchNormalization(), layers.Dense(1)]
)
x = np.random.RandomState(0).randn(1, 8).astype(np.float32)
seconds = []
for _ in range(60):
    begun = time.perf_counter()
    model.predict(x, verbose=0)
    seconds.append(time.perf_counter() - begun)
print(json.dumps({"value": statistics.median(seconds[10:])}))
