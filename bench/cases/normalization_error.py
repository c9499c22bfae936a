"""Largest error against float64 of batch normalization in training, float32 data with mean 1e4 and deviation 1."""

import json

import numpy as np
from libraries import load, name_given

library = load(name_given())
x = (np.random.RandomState(0).randn(256, 16) + 1e4).astype(np.float32)
wide = x.astype(np.float64)
wanted = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-3)
found = np.asarray(library.layers.BatchNormalization()(x, training=True))
print(json.dumps({"value": float(np.abs(found - wanted).max())}))
