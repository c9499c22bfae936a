"""Reductions for which NaN does not count."""

import jax.numpy as jnp

from phasewise.ops.numpy.quantiles import hashable
from phasewise.ops.op import op


@op
def nanmax(x, axis=None, keepdims=False):
    """The largest entry; NaN where all are. NaN does not count.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.nanmax(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims)


@op
def nanmin(x, axis=None, keepdims=False):
    """The smallest entry; NaN where all are. NaN does not count.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.nanmin(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims)


@op
def nanmean(x, axis=None, keepdims=False):
    """The mean; NaN where all are. NaN does not count.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.nanmean(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims)


@op
def nanstd(x, axis=None, keepdims=False):
    """The standard deviation, divided by the count (biased). NaN does not count.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.nanstd(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims)


@op
def nansum(x, axis=None, keepdims=False):
    """The sum. NaN does not count.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.nansum(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims)


@op
def nanvar(x, axis=None, keepdims=False):
    """The variance, divided by the count (biased). NaN does not count.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.nanvar(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims)


@op
def nanprod(x, axis=None, keepdims=False):
    """The product. NaN does not count.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.nanprod(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims)


@op
def nanmedian(x, axis=None, keepdims=False):
    """The median. NaN does not count.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.nanmedian(jnp.asarray(x), axis=hashable(axis), keepdims=keepdims)


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
