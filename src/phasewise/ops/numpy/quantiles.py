"""What so many of the entries lie below: medians, quantiles, percentiles."""

import jax.numpy as jnp

from phasewise.core.dtypes import floating
from phasewise.ops.op import hashable, op, reduction

__all__ = [
    "median",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]


@reduction
def median(x, axis=None, keepdims=False):
    """The entry in the middle, the mean of the two in the middle where their number is even."""
    return jnp.median(floating(x), axis=axis, keepdims=keepdims)


@op
def quantile(x, q, axis=None, method="linear", keepdims=False):
    """The number that a part `q` of the entries lies below.

    Args:
        q: numbers in [0, 1], of any shape; their axes come first in the result.
        axis: int, tuple of int, or None for all axes.
        method: "linear", "lower", "higher", "midpoint" or "nearest": what is taken between two entries.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.quantile(floating(x), jnp.asarray(q), axis=hashable(axis), method=method, keepdims=keepdims)


@op
def percentile(x, q, axis=None, method="linear", keepdims=False):
    """The number that `q` percent of the entries lie below, `q` in [0, 100]: other arguments as of `quantile`."""
    return jnp.percentile(floating(x), jnp.asarray(q), axis=hashable(axis), method=method, keepdims=keepdims)


@op
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """As `quantile`, where NaN does not count."""
    return jnp.nanquantile(floating(x), jnp.asarray(q), axis=hashable(axis), method=method, keepdims=keepdims)


@op
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """As `percentile`, where NaN does not count."""
    return jnp.nanpercentile(floating(x), jnp.asarray(q), axis=hashable(axis), method=method, keepdims=keepdims)
