"""Reductions for which NaN does not count."""

import jax.numpy as jnp

from phasewise.ops.op import op, reduction

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


@reduction
def nanmax(x, axis=None, keepdims=False):
    """The largest entry; NaN where all are. NaN does not count."""
    return jnp.nanmax(x, axis, keepdims=keepdims)


@reduction
def nanmin(x, axis=None, keepdims=False):
    """The smallest entry; NaN where all are. NaN does not count."""
    return jnp.nanmin(x, axis, keepdims=keepdims)


@reduction
def nanmean(x, axis=None, keepdims=False):
    """The mean; NaN where all are. NaN does not count."""
    return jnp.nanmean(x, axis, keepdims=keepdims)


@reduction
def nanstd(x, axis=None, keepdims=False):
    """The standard deviation, divided by the count (biased). NaN does not count."""
    return jnp.nanstd(x, axis, keepdims=keepdims)


@reduction
def nansum(x, axis=None, keepdims=False):
    """The sum. NaN does not count."""
    return jnp.nansum(x, axis, keepdims=keepdims)


@reduction
def nanvar(x, axis=None, keepdims=False):
    """The variance, divided by the count (biased). NaN does not count."""
    return jnp.nanvar(x, axis, keepdims=keepdims)


@reduction
def nanprod(x, axis=None, keepdims=False):
    """The product. NaN does not count."""
    return jnp.nanprod(x, axis, keepdims=keepdims)


@reduction
def nanmedian(x, axis=None, keepdims=False):
    """The median. NaN does not count."""
    return jnp.nanmedian(x, axis, keepdims=keepdims)


@op
def nanargmax(x, axis=None, keepdims=False):
    """The place of the largest entry as int32; -1 where all are NaN.

    Args:
        axis: int, or None for the place in the flattened array.
        keepdims: whether the axis stays, with size 1.
    """
    return jnp.nanargmax(jnp.asarray(x), axis=axis, keepdims=keepdims)


@op
def nanargmin(x, axis=None, keepdims=False):
    """The place of the smallest entry as int32; -1 where all are NaN.

    Args:
        axis: int, or None for the place in the flattened array.
        keepdims: whether the axis stays, with size 1.
    """
    return jnp.nanargmin(jnp.asarray(x), axis=axis, keepdims=keepdims)


@op
def nancumsum(x, axis=None, dtype=None):
    """The sum of the entries up to each one, NaN as 0.

    Args:
        axis: int, or None for the flattened array.
        dtype: of the result.
    """
    return jnp.nancumsum(jnp.asarray(x), axis=axis, dtype=dtype)


@op
def nancumprod(x, axis=None, dtype=None):
    """The product of the entries up to each one, NaN as 1.

    Args:
        axis: int, or None for the flattened array.
        dtype: of the result.
    """
    return jnp.nancumprod(jnp.asarray(x), axis=axis, dtype=dtype)
