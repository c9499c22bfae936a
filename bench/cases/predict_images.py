"""Seconds that `predict` of ResNet-20 takes for 10,000 images: the better of batches of 32 and of 256."""

import json

import networks
import numpy as np
from libraries import load, name_given
from timing import median_seconds

library = load(name_given())
model = networks.resnet20(library)
x = np.random.RandomState(0).randn(10_000, 32, 32, 3).astype(np.float32)
found = {}
for batch in (32, 256):
    model.predict(x[: 4 * batch], batch_size=batch, verbose=0)
    found[batch] = median_seconds(lambda: model.predict(x, batch_size=batch, verbose=0), times=3, before=0)  # noqa: B023
print(json.dumps({"value": min(found.values()), "batches": found}))
