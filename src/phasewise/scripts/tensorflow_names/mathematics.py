"""`tensorflow.math`: functions of arrays, those of `phasewise.ops` under TensorFlow's names and with its arguments."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from phasewise import ops

_ELEMENTWISE = """
    abs acos add asin atan atan2 ceil cos cosh divide equal erf exp expm1 floor greater greater_equal is_finite is_inf is_nan less
    less_equal log log1p logical_and logical_not logical_or logical_xor maximum minimum multiply negative not_equal pow reciprocal round
    rsqrt sigmoid sign sin sinh softplus sqrt square squared_difference subtract tan tanh
"""
_OTHERWISE = {
    "acos": "arccos",
    "asin": "arcsin",
    "atan": "arctan",
    "atan2": "arctan2",
    "is_finite": "isfinite",
    "is_inf": "isinf",
    "is_nan": "isnan",
    "pow": "power",
}
_REDUCTIONS = ("all", "any", "max", "min", "prod", "sum", "std", "variance", "logsumexp")

__all__ = [
    *_ELEMENTWISE.split(),
    *(f"reduce_{name}" for name in _REDUCTIONS),
    "argmax",
    "argmin",
    "cumsum",
    "divide_no_nan",
    "l2_normalize",
    "reduce_mean",
    "top_k",
]


def _elementwise(name: str) -> Callable[..., Any]:
    if name == "squared_difference":
        function = lambda x, y: ops.square(ops.subtract(x, y))  # noqa: E731
    else:
        function = getattr(ops, _OTHERWISE.get(name, name))

    def called(*args, name=None, **kwargs):
        return function(*args, **kwargs)

    called.__name__ = called.__qualname__ = name
    called.__doc__ = f"`phasewise.ops.{_OTHERWISE.get(name, name)}`."
    return called


def _reduction(name: str) -> Callable[..., Any]:
    function = getattr(ops, {"variance": "var"}.get(name, name))

    def called(input_tensor, axis=None, keepdims=False, name=None):
        return function(input_tensor, axis=axis, keepdims=keepdims)

    called.__name__ = called.__qualname__ = f"reduce_{name}"
    called.__doc__ = f"`phasewise.ops.{name}`."
    return called


globals().update({name: _elementwise(name) for name in _ELEMENTWISE.split()})
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


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Sums of the entries up to each."""
    turned = ops.flip(x, axis=axis) if reverse else x
    sums = ops.cumsum(turned, axis=axis)
    sums = ops.subtract(sums, turned) if exclusive else sums
    return ops.flip(sums, axis=axis) if reverse else sums


def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y, and 0 where y is 0."""
    return ops.divide_no_nan(x, y)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Any:
    """x over its Euclidean norm along the axes: all of them, unless some are given."""
    return ops.multiply(x, ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), epsilon)))


class TopK(NamedTuple):
    """The largest entries along the last axis, and where they are."""

    values: Any
    indices: Any


def top_k(input: Any, k: int = 1, sorted: bool = True, name: str | None = None) -> TopK:
    """The `k` largest entries along the last axis."""
    return TopK(*ops.top_k(input, k, sorted))
