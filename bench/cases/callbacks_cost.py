"""How much longer `fit` of the seed's model takes with early stopping, checkpoints of the best, a CSV log and the progress bar."""

import contextlib
import io
import json
import os
import statistics
import tempfile
import time

import numpy as np
from libraries import load, name_given

library = load(name_given())
layers, callbacks = library.layers, library.callbacks
x = np.random.RandomState(18).randn(10_000, 1).astype(np.float32)
y = (x > 0).astype(np.float32)
inputs = library.Input(shape=(1,))
hidden = layers.BatchNormalization()(inputs)
hidden = layers.Dense(8, activation="sigmoid")(hidden)
hidden = layers.BatchNormalization()(hidden)
model = library.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])


def seconds(epochs=20, **options):
    """Wall time of a fit, the disk included."""
    begun = time.perf_counter()
    model.fit(x, y, batch_size=32, epochs=epochs, **options)
    return time.perf_counter() - begun


with tempfile.TemporaryDirectory() as folder:

    def watched():
        return [
            callbacks.EarlyStopping("loss", patience=1000),
            callbacks.ModelCheckpoint(
                os.path.join(folder, "best.weights.h5"), "loss", save_best_only=True, save_weights_only=True
            ),
            callbacks.CSVLogger(os.path.join(folder, "log.csv")),
        ]

    seconds(2, verbose=0)
    ratios = []
    for _ in range(20):  # a fit takes 0.06 s, of which a flush of the disk may take a tenth or nothing
        plain = seconds(verbose=0)
        with contextlib.redirect_stdout(io.StringIO()):
            full = seconds(verbose=1, callbacks=watched())
        ratios.append(full / plain)
print(json.dumps({"value": statistics.median(ratios)}))
