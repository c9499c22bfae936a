"""How many of 256 predictions change their bits with the batch size, at most."""

import json

import numpy as np
from libraries import load, name_given

library = load(name_given())
layers = library.layers
library.utils.set_random_seed(0) if hasattr(library, "utils") else library.set_random_seed(0)
model = library.Sequential([library.Input((64,))])
for _ in range(3):
    model.add(layers.Dense(256, activation="relu"))
    model.add(layers.BatchNormalization())
model.add(layers.Dense(1))
x = np.random.RandomState(0).randn(256, 64).astype(np.float32)
whole = model.predict(x, batch_size=256, verbose=0)
changed = [int((model.predict(x, batch_size=size, verbose=0) != whole).any(1).sum()) for size in (1, 2, 3, 7, 32, 100)]
print(json.dumps({"value": max(changed)}))
