"""Seconds of a training step of the seed's model, after compilation, shuffling and metrics included."""

import json
import statistics
from math import ceil

import numpy as np
from libraries import load, name_given
from timing import epoch_timer

library = load(name_given())
layers = library.layers
x = np.random.RandomState(18).randn(10_000, 1).astype(np.float32)
y = (x > 0).astype(np.float32)
inputs = library.Input(shape=(1,))
hidden = layers.BatchNormalization()(inputs)
hidden = layers.Dense(8, activation="sigmoid")(hidden)
hidden = layers.BatchNormalization()(hidden)
model = library.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
timer, seconds = epoch_timer(library)
model.fit(x, y, batch_size=32, epochs=10, verbose=0, callbacks=[timer])
print(json.dumps({"value": statistics.median(seconds[1:]) / ceil(10_000 / 32)}))
