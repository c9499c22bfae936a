"""Penalties on weights and activities, added to the loss.

A penalty is computed in float32 or wider, also where the array is float16 or bfloat16: a sum over a large kernel would
lose its digits there. (Keras computes it in the array's dtype.)
"""

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any, Self

import jax.numpy as jnp

from phasewise.core import registry
from phasewise.core.defaults import epsilon
from phasewise.core.registry import Configurable, register
from phasewise.core.settings import Settings
from phasewise.core.types import Array, ArrayLike, Config, Named

__all__ = [
    "L1",
    "L2",
    "L1L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

KIND = "regularizer"


class Regularizer(Settings):
    """A callable `array -> scalar`. Subclass it with `__call__` and `get_config`."""

    def __call__(self, x: ArrayLike) -> Array | float:
        """The penalty of `x`: a scalar."""
        return 0.0

    def get_config(self) -> Config:
        """The constructor's arguments."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved.")

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The regularizer that `get_config` described."""
        return cls(**config)


@register(KIND)
class L1L2(Configurable, Regularizer):
    """l1 * sum(|x|) + l2 * sum(x²).

    Args:
        l1, l2: factors, at least 0; None is 0. By default both are 0, also under the name "l1_l2", as in Keras.

    Raises:
        ValueError: a factor is negative, infinite or no number.
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0):
        self.l1, self.l2 = _factor("l1", l1, 0.0), _factor("l2", l2, 0.0)

    def __call__(self, x: ArrayLike) -> Array:
        """The penalty of `x`: a scalar."""
        x = _wide(x)
        penalty = jnp.zeros((), x.dtype)
        if self.l1:
            penalty = penalty + self.l1 * jnp.sum(jnp.abs(x))
        if self.l2:
            penalty = penalty + self.l2 * jnp.sum(jnp.square(x))
        return penalty


@register(KIND)
class L1(Configurable, Regularizer):
    """l1 * sum(|x|).

    Args:
        l1: factor, at least 0; None is 0.01.

    Raises:
        ValueError: the factor is negative, infinite or no number.
    """

    def __init__(self, l1: float | None = 0.01):
        self.l1 = _factor("l1", l1, 0.01)

    def __call__(self, x: ArrayLike) -> Array:
        """The penalty of `x`: a scalar."""
        return self.l1 * jnp.sum(jnp.abs(_wide(x)))


@register(KIND)
class L2(Configurable, Regularizer):
    """l2 * sum(x²).

    Args:
        l2: factor, at least 0; None is 0.01.

    Raises:
        ValueError: the factor is negative, infinite or no number.
    """

    def __init__(self, l2: float | None = 0.01):
        self.l2 = _factor("l2", l2, 0.01)

    def __call__(self, x: ArrayLike) -> Array:
        """The penalty of `x`: a scalar."""
        return self.l2 * jnp.sum(jnp.square(_wide(x)))


@register(KIND)
class OrthogonalRegularizer(Configurable, Regularizer):
    """`factor` times the mean |cosine| between different rows (or columns) of a matrix.

    A row of zeros has cosine 0 with every other, and a matrix of one row has penalty 0 (Keras: NaN).

    Args:
        factor: at least 0.
        mode: "rows" or "columns".

    Raises:
        ValueError: `factor` is negative, infinite or no number, or `mode` is unknown.
    """

    def __init__(self, factor: float | None = 0.01, mode: str = "rows"):
        self.factor = _factor("factor", factor, 0.01)
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer's mode is 'rows' or 'columns'; got {mode!r}.")
        self.mode = mode

    def __call__(self, x: ArrayLike) -> Array:
        """The penalty of the matrix `x`: a scalar.

        Raises:
            ValueError: `x` does not have two axes.
        """
        x = _wide(x)
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer takes a matrix; got an array of shape {tuple(x.shape)}.")
        vectors = x if self.mode == "rows" else x.T
        squares = jnp.sum(jnp.square(vectors), axis=1, keepdims=True)
        unit = vectors / jnp.sqrt(jnp.maximum(squares, epsilon() ** 2))
        count = len(vectors)
        cosines = jnp.where(jnp.eye(count, dtype=bool), 0, unit @ unit.T)
        return self.factor * jnp.sum(jnp.abs(cosines)) / max(1, count * (count - 1))


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def get(identifier: Named) -> Callable[[ArrayLike], Array] | None:
    """A regularizer from a name, a config, an object, a function `array -> scalar`, or None.

    Raises:
        ValueError: no regularizer has that name (the message gives the nearest), or it cannot be one.
    """
    return registry.resolve(KIND, identifier)


def serialize(regularizer: Named) -> Config | str | None:
    """Class name and config."""
    return registry.serialize(regularizer)


def deserialize(config: Named, custom_objects: Mapping[str, Any] | None = None) -> Callable[[ArrayLike], Array] | None:
    """The regularizer that `serialize` described; `custom_objects` are classes and functions by name that it may mean."""
    return registry.deserialize(KIND, config, custom_objects)


def _wide(x):
    x = jnp.asarray(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _factor(name, value, default):
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < math.inf:
        raise ValueError(f"A regularization factor is a finite number of at least 0; got {name}={value!r}.")
    return float(value)
