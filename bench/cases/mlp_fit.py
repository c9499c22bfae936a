"""Seconds of a training step of an MLP of 3 x 256 with batch normalization and dropout at batch 64."""

import json
import statistics

import numpy as np
from libraries import load, name_given
from timing import epoch_timer

library = load(name_given())
layers = library.layers
rng = np.random.RandomState(0)
x, y = rng.randn(12_800, 64).astype(np.float32), rng.randint(0, 10, 12_800)
model = library.Sequential([library.Input((64,))])
for _ in range(3):
    model.add(layers.Dense(256, activation="relu"))
    model.add(layers.BatchNormalization())
    model.add(layers.Dropout(0.3))
model.add(layers.Dense(10, activation="softmax"))
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
timer, seconds = epoch_timer(library)
model.fit(x, y, batch_size=64, epochs=6, verbose=0, callbacks=[timer])
print(json.dumps({"value": statistics.median(seconds[1:]) / 200}))
