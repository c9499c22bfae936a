"""`tensorflow.math`: functions of arrays, those of `phasewise.ops` under TensorFlow's names and with its arguments."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from phasewise import ops

_OF_ONE = """
    abs acos asin atan ceil cos cosh erf exp expm1 floor is_finite is_inf is_nan log log1p logical_not negative reciprocal round rsqrt
    sigmoid sign sin sinh sqrt square tan tanh
"""
_OF_TWO = """
    add divide equal greater greater_equal less less_equal logical_and logical_or logical_xor maximum minimum multiply not_equal pow
    subtract
"""
_OTHERWISE = {
    "acos": "arccos",
    "asin": "arcsin",
    "atan": "arctan",
    "is_finite": "isfinite",
    "is_inf": "isinf",
    "is_nan": "isnan",
    "pow": "power",
}
_REDUCTIONS = ("all", "any", "max", "min", "prod", "sum", "std", "variance", "logsumexp")

__all__ = [
    *_OF_ONE.split(),
    *_OF_TWO.split(),
    *(f"reduce_{name}" for name in _REDUCTIONS),
    "argmax",
    "argmin",
    "atan2",
    "cumsum",
    "divide_no_nan",
    "l2_normalize",
    "reduce_mean",
    "softplus",
    "squared_difference",
    "top_k",
]


def _described(called, name, own):
    called.__name__ = called.__qualname__ = name
    called.__doc__ = f"`phasewise.ops.{own}`."
    return called


def _of_one(name: str) -> Callable[..., Any]:
    own = _OTHERWISE.get(name, name)
    function = getattr(ops, own)

    def called(x, name=None):
        return function(x)

    return _described(called, name, own)


def _of_two(name: str) -> Callable[..., Any]:
    own = _OTHERWISE.get(name, name)
    function = getattr(ops, own)

    def called(x, y, name=None):
        return function(x, y)

    return _described(called, name, own)


def _reduction(name: str) -> Callable[..., Any]:
    own = {"variance": "var"}.get(name, name)
    function = getattr(ops, own)

    def called(input_tensor, axis=None, keepdims=False, name=None):
        return function(input_tensor, axis=axis, keepdims=keepdims)

    return _described(called, f"reduce_{name}", own)


globals().update({name: _of_one(name) for name in _OF_ONE.split()})
globals().update({name: _of_two(name) for name in _OF_TWO.split()})
globals().update({f"reduce_{name}": _reduction(name) for name in _REDUCTIONS})


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The mean; that of whole numbers is one, cut off towards 0, as TensorFlow has it."""
    x = ops.convert_to_tensor(input_tensor)
    mean = ops.mean(x, axis=axis, keepdims=keepdims)
    return mean if jnp.issubdtype(x.dtype, jnp.inexact) else ops.cast(ops.trunc(mean), x.dtype)


def argmax(input: Any, axis: int | None = None, output_type: Any = None, name: str | None = None) -> Any:
    """Where the largest entry along an axis is: the first axis, unless one is given."""
    return ops.cast(ops.argmax(input, axis=0 if axis is None else axis), output_type or "int32")


def argmin(input: Any, axis: int | None = None, output_type: Any = None, name: str | None = None) -> Any:
    """Where the smallest entry along an axis is: the first axis, unless one is given."""
    return ops.cast(ops.argmin(input, axis=0 if axis is None else axis), output_type or "int32")


def atan2(y: Any, x: Any, name: str | None = None) -> Any:
    """`phasewise.ops.arctan2`."""
    return ops.arctan2(y, x)


def softplus(features: Any, name: str | None = None) -> Any:
    """`phasewise.ops.softplus`."""
    return ops.softplus(features)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """(x - y)²."""
    return ops.square(ops.subtract(x, y))


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Sums of the entries up to each."""
    turned = ops.flip(x, axis=axis) if reverse else x
    sums = ops.cumsum(turned, axis=axis)
    sums = ops.subtract(sums, turned) if exclusive else sums
    return ops.flip(sums, axis=axis) if reverse else sums


def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y, and 0 where y is 0."""
    return ops.divide_no_nan(x, y)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Any:
    """x over its Euclidean norm along the axes: all of them, unless some are given; `dim` is an older name of `axis`."""
    axis = dim if axis is None else axis
    return ops.multiply(x, ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), epsilon)))


class TopK(NamedTuple):
    """The largest entries along the last axis, and where they are."""

    values: Any
    indices: Any


def top_k(input: Any, k: int = 1, sorted: bool = True, index_type: Any = "int32", name: str | None = None) -> TopK:
    """The `k` largest entries along the last axis."""
    values, indices = ops.top_k(input, k, sorted)
    return TopK(values, ops.cast(indices, index_type))
