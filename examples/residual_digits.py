"""A small residual network with batch normalization on real handwritten digits, and what becomes of it in inference.

The digits are scikit-learn's (1797 images of 8 x 8 pixels, values 0 to 16). A quarter is held out. The network is that of He et al.
(2016), made small: blocks of two convolutions, each followed by batch normalization, whose input is added to their output.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers


def normalized(x, filters, kernel_size, strides=1):
    """A convolution and the normalization behind it: the bias would be subtracted again, so there is none."""
    x = layers.Conv2D(filters, kernel_size, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def block(x, filters, strides=1):
    """Two convolutions around which the input is carried; where its shape changes, by a convolution of size 1."""
    y = layers.ReLU()(normalized(x, filters, 3, strides))
    y = normalized(y, filters, 3)
    if strides > 1 or x.shape[-1] != filters:
        x = normalized(x, filters, 1, strides)
    return layers.ReLU()(layers.Add()([x, y]))


def build():
    """8 x 8 pixels to ten classes in three blocks."""
    pixels = pw.Input((8, 8, 1))
    x = layers.ReLU()(normalized(pixels, 16, 3))
    x = block(block(block(x, 16), 32, strides=2), 64, strides=2)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    return pw.Model(pixels, layers.Dense(10, activation="softmax")(x), name="residual_digits")


def main(epochs=10):
    """Train, tell what each layer does in which phase, and fold the normalizations into the convolutions."""
    pw.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = images.astype(np.float32).reshape(-1, 8, 8, 1) / 16
    train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
    model = build()
    rate = pw.optimizers.schedules.CosineDecay(3e-3, decay_steps=epochs * len(train_x) // 32)
    model.compile(pw.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_x, train_y, batch_size=32, epochs=epochs, verbose=0)
    model.explain()

    found = model.evaluate(test_x, test_y, verbose=0, return_dict=True)
    folding = pw.fold(model)
    probabilities, folded = (each.predict(test_x, verbose=0) for each in (model, folding.model))
    print(f"\nheld-out digits recognised      {found['accuracy']:.1%}")
    print(f"normalizations folded           {len(folding)} of {len(folding) + len(folding.left)}")
    print(f"largest change of a probability {np.abs(probabilities - folded).max():.0e}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
