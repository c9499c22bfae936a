"""A 1-D residual network with batch normalization on real handwritten digits, read column by column, and what one row's result depends on.

The digits are scikit-learn's (1797 images of 8 x 8 pixels, values 0 to 16), taken as sequences of 8 columns with 8 channels each. The
blocks are those of He et al. (2016) along one axis. What comes out for a digit is then computed alone and in company: with the moving
statistics it is the same to the bit; with those of the batch it is a matter of what else is in the batch.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers


def normalized(x, name, filters, kernel_size, strides=1):
    """A convolution and the normalization behind it: the bias would be subtracted again, so there is none."""
    x = layers.Conv1D(filters, kernel_size, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9, name=name)(x)


def block(x, name, filters, strides=1):
    """Two convolutions around which the input is carried; where its shape changes, by a convolution of size 1."""
    y = layers.ReLU()(normalized(x, f"{name}_first", filters, 3, strides))
    y = normalized(y, f"{name}_second", filters, 3)
    if strides > 1 or x.shape[-1] != filters:
        x = normalized(x, f"{name}_carried", filters, 1, strides)
    return layers.ReLU()(layers.Add()([x, y]))


def build():
    """8 columns of 8 pixels to ten classes in two blocks."""
    columns = pw.Input((8, 8))
    x = layers.ReLU()(normalized(columns, "stem", 64, 3))
    x = block(block(x, "block_1", 64), "block_2", 128, strides=2)
    x = layers.Dropout(0.3, name="dropout")(layers.Flatten()(x))
    return pw.Model(columns, layers.Dense(10, activation="softmax")(x), name="residual_1d")


def data():
    """(x, y) to train on and (x, y) to test on: x of shape (digits, columns, rows)."""
    images, labels = load_digits(return_X_y=True)
    columns = images.astype(np.float32).reshape(-1, 8, 8).swapaxes(1, 2) / 16
    train_x, test_x, train_y, test_y = train_test_split(
        columns, labels, test_size=0.25, random_state=0, stratify=labels
    )
    return (train_x, train_y), (test_x, test_y)


def change_by_company(model, x, **options):
    """How much the first digit's probabilities change, at most, when others are predicted with it."""
    alone, among_all = (model.predict(rows, verbose=0, batch_size=len(x), **options)[0] for rows in (x[:1], x))
    return np.abs(alone - among_all).max()


def main(epochs=12):
    """Train, tell what each layer does in which phase, and what a digit's probabilities depend on."""
    pw.set_random_seed(0)
    (train_x, train_y), (test_x, test_y) = data()
    model = build()
    rate = pw.optimizers.schedules.CosineDecay(3e-3, decay_steps=epochs * len(train_x) // 32)
    model.compile(pw.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_x, train_y, batch_size=32, epochs=epochs, verbose=0)
    model.explain()

    kinds = ("moving", "batch")
    found = [model.evaluate(test_x, test_y, verbose=0, return_dict=True, statistics=kind)["accuracy"] for kind in kinds]
    changes = [change_by_company(model, test_x, statistics=kind) for kind in kinds]
    print(f"\n{'normalized in inference with':<36}{'moving statistics':>18}{'those of the batch':>20}")
    print(f"{'held-out digits recognised':<36}{found[0]:>18.1%}{found[1]:>20.1%}")
    print(f"{'change of a digit in a batch of 450':<36}{changes[0]:>18.3g}{changes[1]:>20.3g}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
