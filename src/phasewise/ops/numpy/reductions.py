"""One number of many, along axes: sums, means, extremes, places of extremes, and what adds up along the way."""

import jax.numpy as jnp

from phasewise.core.dtypes import result_type
from phasewise.ops.op import hashable, op, reduction

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]


@reduction
def all(x, axis=None, keepdims=False):
    """Whether all entries are true (not 0)."""
    return jnp.all(x, axis, keepdims=keepdims)


@reduction
def any(x, axis=None, keepdims=False):
    """Whether an entry is true (not 0)."""
    return jnp.any(x, axis, keepdims=keepdims)


@reduction
def sum(x, axis=None, keepdims=False):
    """The sum; small whole numbers add up in 32 bits."""
    return jnp.sum(x, axis, keepdims=keepdims)


@reduction
def amax(x, axis=None, keepdims=False):
    """The largest entry."""
    return jnp.amax(x, axis, keepdims=keepdims)


@reduction
def amin(x, axis=None, keepdims=False):
    """The smallest entry."""
    return jnp.amin(x, axis, keepdims=keepdims)


@reduction
def ptp(x, axis=None, keepdims=False):
    """The largest entry less the smallest."""
    return jnp.ptp(x, axis, keepdims=keepdims)


@reduction
def std(x, axis=None, keepdims=False):
    """The standard deviation, divided by the count (biased)."""
    return jnp.std(x, axis, keepdims=keepdims)


@op
def max(x, axis=None, keepdims=False, initial=None):
    """The largest entry.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
        initial: a number that counts as one entry more; needed where there are none.
    """
    return jnp.max(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims, initial=initial)


@op
def min(x, axis=None, keepdims=False, initial=None):
    """The smallest entry.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
        initial: a number that counts as one entry more; needed where there are none.
    """
    return jnp.min(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims, initial=initial)


@op
def prod(x, axis=None, keepdims=False, dtype=None):
    """The product.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
        dtype: of the result; None is that of `x`, small whole numbers in 32 bits.
    """
    return jnp.prod(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims, dtype=dtype)


@reduction
def mean(x, axis=None, keepdims=False):
    """The mean, accumulated in float32 or wider; of whole numbers a real one."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    found = jnp.mean(x, axis=axis, keepdims=keepdims, dtype=wide)
    return found.astype(x.dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else found


@reduction
def var(x, axis=None, keepdims=False):
    """The variance, divided by the count (biased), accumulated in float32 or wider."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    return jnp.var(x, axis=axis, keepdims=keepdims, dtype=wide).astype(result_type(x.dtype, float))


@op
def average(x, axis=None, weights=None):
    """The mean, each entry counting by its weight.

    Args:
        axis: int, tuple of int, or None for all axes.
        weights: of the shape of `x`, or (size of `axis`,); None counts all alike.
    """
    x, weights = jnp.asarray(x), None if weights is None else jnp.asarray(weights)
    dtype = result_type(x.dtype, float, *([] if weights is None else [weights.dtype]))
    weights = None if weights is None else weights.astype(dtype)
    return jnp.average(x.astype(dtype), axis=hashable(axis), weights=weights)


@op
def count_nonzero(x, axis=None):
    """How many entries are not 0, as int32.

    Args:
        axis: int, tuple of int, or None for all axes.
    """
    return jnp.count_nonzero(jnp.asarray(x), axis=hashable(axis)).astype("int32")


@op
def argmax(x, axis=None, keepdims=False):
    """The place of the largest entry, the first of several, as int32.

    Args:
        axis: int, or None for the place in the flattened array.
        keepdims: whether the axis stays, with size 1.
    """
    return jnp.argmax(jnp.asarray(x), axis=axis, keepdims=keepdims)


@op
def argmin(x, axis=None, keepdims=False):
    """The place of the smallest entry, the first of several, as int32.

    Args:
        axis: int, or None for the place in the flattened array.
        keepdims: whether the axis stays, with size 1.
    """
    return jnp.argmin(jnp.asarray(x), axis=axis, keepdims=keepdims)


@op
def cumsum(x, axis=None, dtype=None):
    """The sum of the entries up to each one.

    Args:
        axis: int, or None for the flattened array.
        dtype: of the result.
    """
    return jnp.cumsum(jnp.asarray(x), axis=axis, dtype=dtype)


@op
def cumprod(x, axis=None, dtype=None):
    """The product of the entries up to each one.

    Args:
        axis: int, or None for the flattened array.
        dtype: of the result.
    """
    return jnp.cumprod(jnp.asarray(x), axis=axis, dtype=dtype)
