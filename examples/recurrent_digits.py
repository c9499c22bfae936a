"""An LSTM with batch normalization inside on real handwritten digits, read row by row, and what becomes of it in inference.

The digits are scikit-learn's (1797 images of 8 x 8 pixels, values 0 to 16). A quarter is held out. Each image is a sequence of eight
steps, its rows from top to bottom. The LSTM is that of Cooijmans et al. (2017): what the row brings, what the state brings and what
the cell puts out are normalized at each step by itself, in inference with statistics that each step has of its own.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers


def build():
    """Eight rows of eight pixels to ten classes."""
    return pw.Sequential(
        [
            pw.Input((8, 8)),
            layers.LSTM(64, normalization="batch", normalization_momentum=0.9, name="lstm"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ],
        name="recurrent_digits",
    )


def main(epochs=30):
    """Train, tell what each term of the LSTM does in which phase, and give it the statistics of the whole training set."""
    pw.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = images.astype(np.float32).reshape(-1, 8, 8) / 16
    train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
    model = build()
    rate = pw.optimizers.schedules.CosineDecay(1e-2, decay_steps=epochs * len(train_x) // 32)
    model.compile(pw.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_x, train_y, batch_size=32, epochs=epochs, verbose=0)
    model.explain()

    found = model.evaluate(test_x, test_y, verbose=0, return_dict=True)
    print(pw.recalibrate(model, train_x, verbose=0))
    exact = model.evaluate(test_x, test_y, verbose=0, return_dict=True)
    print(f"held-out digits recognised, moving averages       {found['accuracy']:.1%}")
    print(f"held-out digits recognised, population statistics {exact['accuracy']:.1%}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
