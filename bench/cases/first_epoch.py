"""Seconds of the first epoch of a model of 300 layers, compilation included: `first_epoch.py LIBRARY WIDTH`."""

import json
import time

import networks
import numpy as np
from libraries import arguments_given, load, name_given

library = load(name_given())
width = int(*arguments_given())
rng = np.random.RandomState(0)
x, y = rng.randn(640, width).astype(np.float32), rng.randint(0, 10, 640)
model = networks.deep(library, width)
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
begun = time.perf_counter()
model.fit(x, y, batch_size=64, epochs=1, verbose=0)
print(json.dumps({"value": time.perf_counter() - begun}))
