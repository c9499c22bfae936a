"""The experiment this project began with, as it is written for Keras: only the import lines are phasewise's.

Run it with `--pinned` to call both batch normalization layers with `training=True`.
"""

import sys
from math import ceil

import numpy as np

from phasewise import Dataset, Input, Model
from phasewise.layers import BatchNormalization, Dense

given = {"training": True} if "--pinned" in sys.argv else {}

np.random.seed(18)
xt = np.random.randn(10_000, 1)
yt = np.array([[int(x > 0)] for x in xt])
train_data = Dataset.from_tensor_slices((xt, yt)).shuffle(10_000).repeat().batch(32).prefetch(2)

xv = np.random.randn(100, 1)
yv = np.array([[int(x > 0)] for x in xv])
valid_data = Dataset.from_tensor_slices((xv, yv)).repeat().batch(32).prefetch(2)

xs = np.random.randn(100, 1) + 2
ys = np.array([[int(x > 2)] for x in xs])
test_data = Dataset.from_tensor_slices((xs, ys)).repeat().batch(32).prefetch(2)

x = Input(shape=(1,))
a = BatchNormalization()(x, **given)
a = Dense(8, activation="sigmoid")(a)
a = BatchNormalization()(a, **given)
y = Dense(1, activation="sigmoid")(a)
model = Model(inputs=x, outputs=y)
model.summary()

model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(
    train_data,
    epochs=10,
    steps_per_epoch=ceil(10_000 / 32),
    validation_data=valid_data,
    validation_steps=ceil(100 / 32),
)
zs = model.predict(test_data, steps=ceil(100 / 32))
print("right of 100 displaced rows:", sum([ys[i] == int(zs[i] > 0.5) for i in range(100)])[0])
