"""`tensorflow.random`."""

import random as python_random
from collections.abc import Sequence

import numpy as np

from phasewise import random
from phasewise.core.random import set_random_seed
from phasewise.core.types import Array, ArrayLike, DTypeLike

__all__ = ["normal", "set_seed", "shuffle", "truncated_normal", "uniform"]


def set_seed(seed: int) -> None:
    """Seed phasewise's draws; those of NumPy and of Python go on as they were, as with TensorFlow."""
    kept = np.random.get_state(), python_random.getstate()
    set_random_seed(seed)
    np.random.set_state(kept[0])
    python_random.setstate(kept[1])


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Array:
    """Draws from N(mean, stddev²)."""
    return random.normal(shape, mean, stddev, dtype, seed)


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Array:
    """Draws from N(mean, stddev²) that lie within two standard deviations of the mean."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def uniform(
    shape: Sequence[int],
    minval: float = 0,
    maxval: float | None = None,
    dtype: DTypeLike = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Array:
    """Draws from [minval, maxval), whose default is 1; whole numbers for a dtype of whole numbers."""
    if np.issubdtype(np.dtype(dtype), np.integer):
        if maxval is None:
            raise ValueError(f"random.uniform of whole numbers needs maxval; got dtype={dtype} and none.")
        return random.randint(shape, minval, maxval, dtype, seed)
    return random.uniform(shape, minval, 1.0 if maxval is None else maxval, dtype, seed)


def shuffle(value: ArrayLike, seed: int | None = None, name: str | None = None) -> Array:
    """The rows in another order."""
    return random.shuffle(value, 0, seed)
