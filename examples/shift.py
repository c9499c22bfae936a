"""What happens to a network when the light changes, told by the audit; and what each method of adaptation gives back.

A small CNN with batch normalization is trained on half of scikit-learn's digits (1797 of 8 x 8 pixels). The other half is then spoilt in the
fifteen ways of `tests/shift/corruptions.py`, as badly as can be. For one of them the audit is printed; a table shows the share of digits that are not
recognised, corruption by corruption and method by method, once with the digits in any order and once in runs of one class, where the statistics of
a batch say more of the class than of the light.
"""

import pathlib
import sys
import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers

sys.path.append(str(pathlib.Path(__file__).parents[1] / "tests" / "shift"))
from corruptions import CORRUPTIONS, corrupted

METHODS = ("adabn", "tent", "eata", "note", "lame")
OF_STREAMS = ("note", "lame")  # what they do to a prediction is no part of the model
MIXED, IN_RUNS = 200, 64  # rows a batch


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


def trained(epochs, seed=0):
    """(model, the half that it was trained on, the other half, its digits)."""
    pw.set_random_seed(seed)
    pixels, digits = load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits, test_size=0.5, random_state=seed, stratify=digits
    )
    model = build()
    model.compile(pw.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_x, train_y, epochs=epochs, batch_size=64, verbose=0)
    # Moving averages lag behind weights that still change: the audit would tell.
    pw.recalibrate(model, train_x, verbose=0)
    return model, train_x, test_x, test_y


def error(predictions, labels):
    """The share of digits that are given another class."""
    return float(np.mean(predictions.argmax(-1) != labels))


def adapted(model, images, method, source, batch):
    """Predictions by a model that was adapted to all images, or adapts to a stream of batches of them; and is given back as it was."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", pw.warning.CollapseWarning)
        if method in OF_STREAMS:
            with pw.adapt(model, None, method) as adaptation:
                predictions = adaptation.predict(images, batch_size=batch)
        else:
            options = {"source": source} if method == "eata" else {}
            with pw.adapt(model, images, method, batch_size=batch, **options):
                predictions = model.predict(images, verbose=0)
    return predictions, any(issubclass(each.category, pw.warning.CollapseWarning) for each in told)


def table(model, views, labels, source, methods, batch):
    """Print a row a corruption; a star where a collapse was noticed and taken back."""
    names = ("moving", "batch", *methods)
    print(f"{'':<16}" + "".join(f"{name:>9}" for name in names))
    sums = np.zeros(len(names))
    for name, images in views.items():
        by_batch = model.predict(images, batch_size=batch, statistics="batch", verbose=0)
        found = [error(model.predict(images, verbose=0), labels), error(by_batch, labels)]
        marks = [" ", " "]
        for method in methods:
            predictions, has_collapsed = adapted(model, images, method, source, batch)
            found.append(error(predictions, labels))
            marks.append("*" if has_collapsed else " ")
        print(f"{name:<16}" + "".join(f"{value:>8.1%}{mark}" for value, mark in zip(found, marks)))
        sums += found
    print(f"{'mean':<16}" + "".join(f"{value:>8.1%} " for value in sums / len(views)))


def main(epochs=100, methods=METHODS, page=None, corruptions=tuple(CORRUPTIONS), severity=5):
    """Train, audit, adapt.

    Args:
        epochs: of training.
        methods: of `phasewise.adapt`, those that are compared.
        page: where to write the audit's page, such as "shift.html".
        corruptions: those that are tried. severity: 1 to 5.
    """
    model, train_x, test_x, test_y = trained(epochs)
    print(f"error over the other half, as it is  {error(model.predict(test_x, verbose=0), test_y):.1%}")
    print(f"the audit of it: {pw.audit(model, test_x).verdict.headline}\n")
    audit = pw.audit(model, corrupted(test_x, "darkness", severity), labels=test_y)
    print(f"The same digits in too little light:\n{audit}\n")
    if page is not None:
        print(f"The page: {audit.report(page)}\n")

    views = {name: corrupted(test_x, name, severity) for name in corruptions}
    print(f"Error at severity {severity}, digits in any order, {MIXED} a batch:")
    table(model, views, test_y, train_x, methods, MIXED)
    runs = np.argsort(test_y, kind="stable")
    print(f"\nIn runs of one class, {IN_RUNS} a batch:")
    table(model, {name: each[runs] for name, each in views.items()}, test_y[runs], train_x, methods, IN_RUNS)


if __name__ == "__main__":
    main(page=sys.argv[1] if len(sys.argv) > 1 else None)
