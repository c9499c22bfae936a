"""What happens to a network when the light changes, told by the audit; and what each method of adaptation gives back.

A small CNN with batch normalization is trained on scikit-learn's digits (1797 of 8 x 8 pixels). The held-out quarter is then spoilt in
several ways. For the first of them the audit is printed; a table shows how many digits are recognised, spoilt by spoilt and method by method, once
with the digits in any order and once in runs of one class, where the statistics of a batch say more of the class than of the light.
"""

import sys
import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers

METHODS = ("adabn", "tent", "eata", "note", "lame")
BATCH = 32


def build():
    """Two convolutions, each normalized."""
    return pw.Sequential(
        [
            pw.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9, name="bn_edges"),
            layers.ReLU(),
            layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9, name="bn_shapes"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def spoilt(images, seed=0):
    """The images under corruptions, by name; pixels are 0 to 1 in those that are as they were."""
    noise = np.random.default_rng(seed).normal(size=images.shape).astype(np.float32)
    blocks = images.reshape(len(images), 4, 2, 4, 2, 1).mean((2, 4), keepdims=True)
    hidden = images.copy()
    hidden[:, :3] = 0
    return {
        "darker": 0.4 * images,
        "brighter": images + 0.5,
        "less contrast": 0.6 * images + 0.2,
        "noise": images + 0.2 * noise,
        "pixelated": np.broadcast_to(blocks, (len(images), 4, 2, 4, 2, 1)).reshape(images.shape),
        "covered above": hidden,
    }


def recognised(predictions, labels):
    """The share of digits that are given their class."""
    return float(np.mean(predictions.argmax(-1) == labels))


def adapted(model, images, method, source):
    """Predictions of a stream of batches, the model adapting to it, and given back as it was."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", pw.warning.CollapseWarning)
        options = {"source": source} if method == "eata" else {}
        with pw.adapt(model, images if method == "adabn" else None, method, batch_size=BATCH, **options) as adaptation:
            predictions = adaptation.predict(images, batch_size=BATCH)
    return predictions, any(issubclass(each.category, pw.warning.CollapseWarning) for each in told)


def table(model, views, labels, source, methods):
    """Print a row a corruption; a star where a collapse was noticed and taken back."""
    names = ("moving", *methods)
    print(f"{'':<16}" + "".join(f"{name:>9}" for name in names))
    sums = np.zeros(len(names))
    for name, images in views.items():
        found, marks = [recognised(model.predict(images, verbose=0), labels)], [" "]
        for method in methods:
            predictions, has_collapsed = adapted(model, images, method, source)
            found.append(recognised(predictions, labels))
            marks.append("*" if has_collapsed else " ")
        print(f"{name:<16}" + "".join(f"{value:>8.1%}{mark}" for value, mark in zip(found, marks)))
        sums += found
    print(f"{'mean':<16}" + "".join(f"{value:>8.1%} " for value in sums / len(views)))


def main(epochs=25, methods=METHODS, page=None):
    """Train, audit, adapt.

    Args:
        epochs: of training.
        methods: of `phasewise.adapt`, those that are compared.
        page: where to write the audit's page, such as "shift.html".
    """
    pw.set_random_seed(0)
    pixels, digits = load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    train_x, test_x, train_y, test_y = train_test_split(images, digits, test_size=0.25, random_state=0, stratify=digits)
    model = build()
    model.compile(pw.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_x, train_y, epochs=epochs, batch_size=64, verbose=0)
    pw.recalibrate(
        model, train_x, verbose=0
    )  # moving averages lag behind weights that still change: the audit would tell
    views = spoilt(test_x)

    print(f"held-out digits recognised, as they are  {recognised(model.predict(test_x, verbose=0), test_y):.1%}")
    print(f"the audit of them: {pw.audit(model, test_x).verdict.headline}\n")
    first = next(iter(views))
    audit = pw.audit(model, views[first], labels=test_y)
    print(f"The same digits {first}:\n{audit}\n")
    if page is not None:
        print(f"The page: {audit.report(page)}\n")

    print("Digits recognised, in any order:")
    table(model, views, test_y, train_x, methods)
    runs = np.argsort(test_y, kind="stable")
    print("\nIn runs of one class:")
    table(model, {name: each[runs] for name, each in views.items()}, test_y[runs], train_x, methods)


if __name__ == "__main__":
    main(page=sys.argv[1] if len(sys.argv) > 1 else None)
