"""Initializers that draw from a distribution whose parameters are given, whatever the weight's shape."""

import math

import numpy as np

from phasewise.core.registry import register
from phasewise.initializers.initializer import KIND, RandomInitializer, Seed


@register(KIND, "normal")
class RandomNormal(RandomInitializer):
    """Normal with this mean and standard deviation.

    Args:
        mean: a number.
        stddev: at least 0.
        seed: as in `RandomInitializer`.

    Raises:
        ValueError: `stddev` is negative or not finite.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, _checked_stddev(self, stddev)

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return self.mean + self.stddev * generator.standard_normal(shape, dtype)


@register(KIND)
class TruncatedNormal(RandomNormal):
    """Normal, drawn again wherever it falls more than two `stddev` from the mean.

    The standard deviation of the result is 0.8796 `stddev`.

    Args:
        mean: a number.
        stddev: of the normal before truncation, at least 0.
        seed: as in `RandomInitializer`.

    Raises:
        ValueError: `stddev` is negative or not finite.
    """

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return self.mean + self.stddev * truncated_standard_normal(generator, shape, dtype)


@register(KIND, "uniform")
class RandomUniform(RandomInitializer):
    """Uniform from `minval` to `maxval`.

    Args:
        minval: lower bound, included.
        maxval: upper bound, excluded but for rounding to the dtype; at least `minval`.
        seed: as in `RandomInitializer`.

    Raises:
        ValueError: `maxval` is below `minval`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None):
        super().__init__(seed)
        if not minval <= maxval:
            raise ValueError(f"RandomUniform needs minval <= maxval; got minval={minval!r} and maxval={maxval!r}.")
        self.minval, self.maxval = minval, maxval

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return self.minval + (self.maxval - self.minval) * generator.random(shape, dtype)


def truncated_standard_normal(generator, shape, dtype):
    """Standard normal numbers, none of them outside of [-2, 2]."""
    drawn = np.asarray(generator.standard_normal(shape, dtype))
    while (outside := np.abs(drawn) > 2).any():
        drawn[outside] = generator.standard_normal(int(outside.sum()), dtype)
    return drawn


def _checked_stddev(initializer, stddev):
    if not 0 <= stddev < math.inf:
        raise ValueError(f"{type(initializer).__name__}'s stddev must be a number of at least 0; got {stddev!r}.")
    return stddev
