"""How much longer a training step takes when NaN and infinity are looked for: the larger ratio of two models."""

import json
import statistics
import time

import numpy as np

import phasewise as pw
from phasewise import layers


def seed_model():
    """The seed's classifier and its data."""
    x = np.random.RandomState(18).randn(10_000, 1).astype(np.float32)
    hidden = [layers.BatchNormalization(), layers.Dense(8, activation="sigmoid"), layers.BatchNormalization()]
    model = pw.Sequential([pw.Input((1,)), *hidden, layers.Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model, x, (x > 0).astype(np.float32), {"batch_size": 32, "epochs": 60}


def mlp():
    """An MLP of 3 x 256 with batch normalization and its data."""
    rng = np.random.RandomState(0)
    model = pw.Sequential([pw.Input((64,))])
    for _ in range(3):
        model.add(layers.Dense(256, activation="relu"))
        model.add(layers.BatchNormalization())
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
    return model, rng.randn(12_800, 64).astype(np.float32), rng.randint(0, 10, 12_800), {"batch_size": 64, "epochs": 2}


def ratio(make):
    """Median over pairs of fits, one with the check and one without, in turn."""
    model, x, y, options = make()
    found = []
    for _ in range(24):
        seconds = {}
        for choice in ("raise", "ignore"):
            begun = time.perf_counter()
            model.fit(x, y, verbose=0, on_nonfinite=choice, **options)
            seconds[choice] = time.perf_counter() - begun
        found.append(seconds["raise"] / seconds["ignore"])
    return statistics.median(found[4:])


print(json.dumps({"value": max(ratio(seed_model), ratio(mlp))}))
