"""Rows in an order that a seed gives, and how many of them are for training."""

from typing import TypeAlias

import numpy as np

from phasewise.datasets.local import OF_GOOGLE, arrays_of, find

Pairs: TypeAlias = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(x_train, y_train), (x_test, y_test)."""


def table(owner: str, path: str, rows: int | None, test_split: float, seed: int) -> Pairs:
    """The first `rows` of a table of numbers and its labels, in a new order, split.

    Raises:
        ValueError: `test_split` is not in [0, 1).
        FileNotFoundError: the file is not there.
    """
    check_split(test_split)
    found = find(owner, [path], f"{OF_GOOGLE}{owner}.npz", has_path=True)
    x, y = (array[:rows] for array in arrays_of(owner, found, ["x", "y"]))
    order = shuffled(len(x), np.random.RandomState(seed))
    return split(x[order], y[order], test_split)


def check_split(test_split: float) -> None:
    """Raises ValueError where it is not in [0, 1)."""
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split is a fraction in [0, 1); got {test_split}.")


def shuffled(count: int, generator: np.random.RandomState) -> np.ndarray:
    """The numbers below `count` in an order that is Keras's too."""
    order = np.arange(count)
    generator.shuffle(order)
    return order


def split(x: np.ndarray, y: np.ndarray, test_split: float) -> Pairs:
    """The first rows and the rest."""
    kept = int(len(x) * (1 - test_split))
    return (x[:kept], y[:kept]), (x[kept:], y[kept:])
