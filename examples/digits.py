"""Real handwritten digits: what a change of contrast and brightness does to a classifier with batch normalization, and
what normalizing with the statistics of the batch at hand gives back.

The digits are scikit-learn's (1797 of 8 x 8 pixels, values 0 to 16). A quarter is held out.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers


def build():
    """Two hidden layers; the switch decides what normalization and dropout do."""
    return pw.Sequential(
        [
            pw.Input((64,)),
            layers.BatchNormalization(name="bn_pixels"),
            layers.Dense(256, activation="relu"),
            layers.BatchNormalization(name="bn_hidden"),
            layers.Dropout(0.3),
            layers.Dense(128, activation="relu"),
            layers.BatchNormalization(name="bn_features"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    """Train, then look at the held-out digits under another light."""
    pw.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images.astype(np.float32) / 16, labels, test_size=0.25, random_state=0, stratify=labels
    )
    model = build()
    rate = pw.optimizers.schedules.CosineDecay(2e-3, decay_steps=40 * len(train_x) // 64)
    model.compile(pw.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train_x, train_y, batch_size=64, epochs=40, verbose=0)
    print(f"training accuracy in the last epoch  {history.history['accuracy'][-1]:.1%}\n")

    views = {
        "as they are": test_x,
        "brighter: x + 0.5": test_x + 0.5,
        "less contrast: 0.5 x": 0.5 * test_x,
        "both: 0.5 x + 0.5": 0.5 * test_x + 0.5,
        "more contrast: 1.5 x - 0.25": 1.5 * test_x - 0.25,
    }
    print(f"{'held-out digits':<32}{'moving statistics':>18}{'batch statistics':>18}")
    for name, x in views.items():
        found = [accuracy(model, x, test_y, policy) for policy in ("moving", "batch")]
        print(f"{name:<32}" + "".join(f"{value:>18.1%}" for value in found))


def accuracy(model, x, y, statistics):
    """The fraction of digits recognised when the layers normalize with these statistics."""
    return model.evaluate(x, y, batch_size=128, verbose=0, return_dict=True, statistics=statistics)["accuracy"]


if __name__ == "__main__":
    main()
