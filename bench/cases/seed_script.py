"""The seed's whole script, from the start of the process (which is what is timed) to its last line.

Keras without TensorFlow has no plans, so there the arrays go to `fit` as they are: its fastest way.
"""

from math import ceil

import numpy as np
from libraries import load, name_given

library = load(name_given())
layers = library.layers
draw = np.random.RandomState(18).randn
xt, xv, xs = draw(10_000, 1), draw(100, 1), draw(100, 1) + 2
yt, yv, ys = (xt > 0).astype(int), (xv > 0).astype(int), (xs > 2).astype(int)
x = library.Input(shape=(1,))
a = layers.BatchNormalization()(x)
a = layers.Dense(8, activation="sigmoid")(a)
a = layers.BatchNormalization()(a)
model = library.Model(inputs=x, outputs=layers.Dense(1, activation="sigmoid")(a))
model.summary()
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
if hasattr(library, "Dataset"):
    plans = [library.Dataset.from_tensor_slices(pair) for pair in ((xt, yt), (xv, yv), (xs, ys))]
    train = plans[0].shuffle(10_000).repeat().batch(32).prefetch(2)
    valid, test = (plan.repeat().batch(32).prefetch(2) for plan in plans[1:])
    steps = ceil(100 / 32)
    model.fit(train, epochs=10, steps_per_epoch=ceil(10_000 / 32), validation_data=valid, validation_steps=steps)
    zs = model.predict(test, steps=steps)[:100]
else:
    model.fit(xt, yt, batch_size=32, epochs=10, validation_data=(xv, yv))
    zs = model.predict(xs)
print("right of 100:", int(((zs > 0.5) == ys).sum()))
