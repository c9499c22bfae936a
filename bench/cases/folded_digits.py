"""How long `predict` of the folded digits model takes, over the model as it was trained: median of pairs in turn."""

import json
import pathlib
import statistics
import sys
import time

import numpy as np
from libraries import load, name_given
from sklearn.datasets import load_digits

sys.path.append(str(pathlib.Path(__file__).parents[2] / "examples"))
from digits import build

library = load(name_given())
images, labels = load_digits(return_X_y=True)
x = images.astype(np.float32) / 16
model = build()
model.compile("adam", loss="sparse_categorical_crossentropy")
model.fit(x, labels, batch_size=64, epochs=12, verbose=0)
folded = library.fold(model).model
error = np.abs(folded.predict(x, verbose=0) - model.predict(x, verbose=0)).max()
assert error < 1e-5, f"the folded model predicts otherwise, by {error:.3g}"


def seconds(each):
    """How long one `predict` takes."""
    begun = time.perf_counter()
    each.predict(x, batch_size=256, verbose=0)
    return time.perf_counter() - begun


ratios = [seconds(folded) / seconds(model) for _ in range(60)]
print(json.dumps({"value": statistics.median(ratios[10:])}))
