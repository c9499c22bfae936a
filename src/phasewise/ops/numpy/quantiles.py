"""What so many of the entries lie below: medians, quantiles, percentiles."""

import jax.numpy as jnp

from phasewise.core.dtypes import floating
from phasewise.ops.op import op


def hashable(axis):
    """An axis or several, as JAX takes them."""
    return tuple(axis) if isinstance(axis, list) else axis


@op
def median(x, axis=None, keepdims=False):
    """The entry in the middle, the mean of the two in the middle where their number is even.

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.median(floating(x), axis=hashable(axis), keepdims=keepdims)


@op
def quantile(x, q, axis=None, method="linear", keepdims=False):
    """The number that a part `q` of the entries lies below.

    Args:
        q: numbers in [0, 1], of any shape; their axes come first in the result.
        axis: int, tuple of int, or None for all axes.
        method: "linear", "lower", "higher", "midpoint" or "nearest": what is taken between two entries.
        keepdims: whether the axes stay, with size 1.
    """
    q = jnp.asarray(q)
    return jnp.quantile(floating(x), q, axis=hashable(axis), method=method, keepdims=keepdims)


@op
def percentile(x, q, axis=None, method="linear", keepdims=False):
    """The number that `q` percent of the entries lie below.

    Args:
        q: numbers in [0, 100], of any shape; their axes come first in the result.
        axis: int, tuple of int, or None for all axes.
        method: "linear", "lower", "higher", "midpoint" or "nearest": what is taken between two entries.
        keepdims: whether the axes stay, with size 1.
    """
    q = jnp.asarray(q)
    return jnp.percentile(floating(x), q, axis=hashable(axis), method=method, keepdims=keepdims)


@op
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """As `quantile`, where NaN does not count.

    Args:
        q: numbers in [0, 1], of any shape; their axes come first in the result.
        axis: int, tuple of int, or None for all axes.
        method: "linear", "lower", "higher", "midpoint" or "nearest": what is taken between two entries.
        keepdims: whether the axes stay, with size 1.
    """
    q = jnp.asarray(q)
    return jnp.nanquantile(floating(x), q, axis=hashable(axis), method=method, keepdims=keepdims)


@op
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """As `percentile`, where NaN does not count.

    Args:
        q: numbers in [0, 100], of any shape; their axes come first in the result.
        axis: int, tuple of int, or None for all axes.
        method: "linear", "lower", "higher", "midpoint" or "nearest": what is taken between two entries.
        keepdims: whether the axes stay, with size 1.
    """
    q = jnp.asarray(q)
    return jnp.nanpercentile(floating(x), q, axis=hashable(axis), method=method, keepdims=keepdims)
