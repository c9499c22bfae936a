"""What every initializer has in common: a shape and a dtype in, a NumPy array out, a config; and a seed if it draws."""

import operator
from collections.abc import Sequence
from typing import Self, TypeAlias

import jax.numpy as jnp
import numpy as np

from phasewise.core import random
from phasewise.core.registry import Configurable
from phasewise.core.types import Array, Config, DTypeLike

KIND = "initializer"

Seed: TypeAlias = int | random.SeedGenerator | None
"""What an initializer draws from."""


class Initializer(Configurable):
    """How a weight begins: a callable `(shape, dtype=None) -> array`. Subclass it with `__call__` and `get_config`."""

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray | Array:
        """An array of this shape (tuple of int) and dtype (name; float32 by default)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, shape, dtype=None).")

    def clone(self) -> Self:
        """A new initializer with the same arguments; one without a seed draws other numbers than this one."""
        return type(self).from_config(self.get_config())


class RandomInitializer(Initializer):
    """An initializer that draws, with NumPy on the host, so that building a model compiles nothing.

    With a seed the same shape gets the same numbers at every call. Without one, a seed is drawn when the initializer is
    made, so that two initializers differ. Both are as in Keras; the numbers themselves are not Keras's.

    Args:
        seed: None, a non-negative int, or a `phasewise.random.SeedGenerator` (then each call draws other numbers).

    Raises:
        ValueError: `seed` is none of these.
    """

    def __init__(self, seed: Seed = None):
        self._given_seed = _checked_seed(seed)
        self.seed = random.fresh_seed() if seed is None else self._given_seed

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        """An array of this shape and floating dtype, drawn afresh from the seed."""
        dtype = as_dtype(dtype)
        if not jnp.issubdtype(dtype, jnp.floating):
            raise ValueError(f"{type(self).__name__} draws floating-point numbers; got dtype {str(dtype)!r}.")
        # float16 and bfloat16 weights are rounded from float32 draws.
        wide = np.dtype(np.float64 if dtype.itemsize == 8 else np.float32)
        return np.asarray(self.draw(random.numpy_generator(self.seed), as_shape(shape), wide)).astype(dtype, copy=False)

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Numbers of this shape, in float32 or float64, from a `numpy.random.Generator`. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(self, generator, shape, dtype).")

    def get_config(self) -> Config:
        """The constructor's arguments, the seed as it was given."""
        seed = self._given_seed
        if isinstance(seed, random.SeedGenerator):
            seed = {"class_name": "SeedGenerator", "config": {"seed": seed.seed}}
        return {**super().get_config(), "seed": seed}


def as_shape(shape):
    """`shape` as a tuple of int.

    Raises:
        ValueError: a size is unknown or negative.
    """
    sizes = (shape,) if hasattr(shape, "__index__") else tuple(shape)
    if not all(hasattr(size, "__index__") and size >= 0 for size in sizes):
        raise ValueError(f"An initializer needs a shape of known sizes, each at least 0; got {sizes}.")
    return tuple(operator.index(size) for size in sizes)


def as_dtype(dtype):
    """A NumPy dtype, float32 for None; bfloat16 counts."""
    return np.dtype(np.float32) if dtype is None else jnp.dtype(dtype)


def _checked_seed(seed):
    if isinstance(seed, dict):
        return random.SeedGenerator(seed.get("config", {}).get("seed"))
    if seed is None or isinstance(seed, random.SeedGenerator):
        return seed
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or seed < 0:
        raise ValueError(
            f"An initializer's seed is None, an integer of at least 0 or a phasewise.random.SeedGenerator; got {seed!r}."
        )
    return operator.index(seed)
