"""Projections of weights, applied after each update.

The norms are L2 norms of slices: `axis` names the axes that belong to one slice, 0 for the kernel of Dense, whose
shape is (inputs, units), and [0, 1, 2] for that of Conv2D.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from phasewise.core import registry
from phasewise.core.defaults import epsilon
from phasewise.core.registry import Configurable, register
from phasewise.core.settings import Settings
from phasewise.core.types import Array, ArrayLike, Config, Named

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

KIND = "constraint"


class Constraint(Configurable, Settings):
    """A callable `array -> array` of the same shape. Subclass it with `__call__` and `get_config`."""

    def __call__(self, w: ArrayLike) -> ArrayLike:
        """The projected weight; `w` itself unless a subclass says otherwise."""
        return w


@register(KIND)
class MaxNorm(Constraint):
    """Scales slices down to a norm of at most `max_value` (Srivastava et al. 2014).

    Args:
        max_value: at least 0.
        axis: int or list of int, the axes of one slice.

    Raises:
        ValueError: `max_value` is negative.
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0):
        self.max_value, self.axis = _at_least_zero("MaxNorm", "max_value", max_value), axis

    def __call__(self, w: ArrayLike) -> Array:
        """The projected weight."""
        w = jnp.asarray(w)
        norms = _norms(self, w)
        return w * (jnp.minimum(norms, self.max_value) / (epsilon() + norms))


@register(KIND)
class NonNeg(Constraint):
    """Sets negative entries to 0."""

    def __call__(self, w: ArrayLike) -> Array:
        """The projected weight."""
        return jnp.maximum(jnp.asarray(w), 0)


@register(KIND)
class UnitNorm(Constraint):
    """Scales slices to norm 1; a slice of zeros stays.

    Args:
        axis: int or list of int, the axes of one slice.
    """

    def __init__(self, axis: int | Sequence[int] = 0):
        self.axis = axis

    def __call__(self, w: ArrayLike) -> Array:
        """The projected weight."""
        w = jnp.asarray(w)
        return w / (epsilon() + _norms(self, w))


@register(KIND)
class MinMaxNorm(Constraint):
    """Moves the norm of slices into [min_value, max_value], by the fraction `rate` of the way.

    Args:
        min_value, max_value: bounds, 0 <= min_value <= max_value.
        rate: in [0, 1]; 1 projects at once.
        axis: int or list of int, the axes of one slice.

    Raises:
        ValueError: the bounds are negative or in the wrong order, or `rate` lies outside of [0, 1].
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ):
        self.min_value = _at_least_zero("MinMaxNorm", "min_value", min_value)
        self.max_value, self.rate, self.axis = max_value, rate, axis
        if not min_value <= max_value:
            raise ValueError(f"MinMaxNorm needs min_value <= max_value; got {min_value!r} and {max_value!r}.")
        if not 0 <= rate <= 1:
            raise ValueError(f"MinMaxNorm's rate must be in [0, 1]; got {rate!r}.")

    def __call__(self, w: ArrayLike) -> Array:
        """The projected weight."""
        w = jnp.asarray(w)
        norms = _norms(self, w)
        wanted = self.rate * jnp.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (epsilon() + norms))


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def get(identifier: Named) -> Callable[[ArrayLike], Array] | None:
    """A constraint from a name, a config, an object, a function `array -> array`, or None.

    Raises:
        ValueError: no constraint has that name (the message gives the nearest), or it cannot be one.
    """
    return registry.resolve(KIND, identifier)


def serialize(constraint: Named) -> Config | str | None:
    """Class name and config."""
    return registry.serialize(constraint)


def deserialize(config: Named, custom_objects: Mapping[str, Any] | None = None) -> Callable[[ArrayLike], Array] | None:
    """The constraint that `serialize` described; `custom_objects` are classes and functions by name that it may mean."""
    return registry.deserialize(KIND, config, custom_objects)


def _norms(constraint, w):
    axes = tuple(constraint.axis) if isinstance(constraint.axis, list | tuple) else (constraint.axis,)
    rank = jnp.ndim(w)
    if not all(-rank <= axis < rank for axis in axes):
        raise ValueError(
            f"{type(constraint).__name__} has axis={constraint.axis}, but the weight has shape {tuple(jnp.shape(w))}: "
            f"each axis must be between -{rank} and {rank - 1}."
        )
    return jnp.sqrt(jnp.sum(jnp.square(w), axis=axes, keepdims=True))


def _at_least_zero(owner, argument, value):
    if not value >= 0:
        raise ValueError(f"{owner}'s {argument} must be at least 0; got {value!r}.")
    return value
