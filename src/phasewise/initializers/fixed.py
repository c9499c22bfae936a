"""Initializers that draw nothing: zeros, ones, a constant, the identity matrix."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import ArrayLike, Config, DTypeLike
from phasewise.initializers.initializer import KIND, Initializer, as_dtype, as_shape


@register(KIND, "zero")
class Zeros(Initializer):
    """0 everywhere."""

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return np.zeros(as_shape(shape), as_dtype(dtype))


@register(KIND, "one")
class Ones(Initializer):
    """1 everywhere."""

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return np.ones(as_shape(shape), as_dtype(dtype))


@register(KIND)
class Constant(Initializer):
    """`value` everywhere.

    Args:
        value: a number, or an array of exactly the weight's shape.
    """

    def __init__(self, value: ArrayLike = 0.0):
        self.value = value

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        """An array of this shape and dtype.

        Raises:
            ValueError: `value` is an array of another shape.
        """
        shape, value = as_shape(shape), np.asarray(self.value)
        if value.ndim and value.shape != shape:
            raise ValueError(
                f"An array of shape {value.shape} was given as the initializer of a weight of shape {shape}: the shapes "
                "must be the same. Give a number to fill any shape."
            )
        return np.full(shape, value, as_dtype(dtype))

    def get_config(self) -> Config:
        """The value; an array as a dict of its entries and dtype, the form Keras writes."""
        if not hasattr(self.value, "dtype"):
            return {"value": self.value}
        value = np.asarray(self.value)
        if not value.ndim:
            return {"value": value.item()}
        return {"value": {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": str(value.dtype)}}}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The initializer that `get_config` described."""
        value = config.get("value", 0.0)
        if isinstance(value, dict):
            value = np.asarray(value["config"]["value"], as_dtype(value["config"].get("dtype")))
        return cls(value)


@register(KIND, "IdentityInitializer")
class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Args:
        gain: a number.
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        """A matrix of this shape and dtype.

        Raises:
            ValueError: the shape does not have two axes.
        """
        shape = as_shape(shape)
        if len(shape) != 2:
            raise ValueError(
                f"The Identity initializer makes matrices; got shape {shape} with {len(shape)} axes. For a kernel with "
                "more axes, use Orthogonal."
            )
        return (self.gain * np.eye(*shape)).astype(as_dtype(dtype))
