"""Entries by their places, places by their entries: taking, sorting, searching, counting."""

import jax.numpy as jnp

from phasewise.ops.op import arrays, op

__all__ = [
    "argpartition",
    "argsort",
    "bincount",
    "digitize",
    "get_item",
    "histogram",
    "nonzero",
    "searchsorted",
    "sort",
    "take",
    "take_along_axis",
    "unique",
    "unravel_index",
]


@op
def get_item(x, key):
    """x[key]."""
    return jnp.asarray(x)[key]


@op
def take(x, indices, axis=None):
    """The entries at these places along `axis` (None: of the flattened array); NaN, or the smallest number, beyond the ends."""
    return jnp.take(*arrays(x, indices), axis=axis)


@op
def take_along_axis(x, indices, axis=None):
    """For each place of `indices` the entry that it names along `axis`, at the same place of the other axes."""
    return jnp.take_along_axis(*arrays(x, indices), axis=axis)


@op
def nonzero(x):
    """The places of the entries that are not 0: a tuple of one int32 vector for each axis.

    How many there are depends on the values, so that this works on arrays, and in no compiled program or graph.
    """
    return jnp.nonzero(jnp.asarray(x))


@op
def unravel_index(indices, shape):
    """The coordinates of places that are counted through an array of this shape: a tuple of one array for each axis."""
    return jnp.unravel_index(jnp.asarray(indices), shape)


@op
def sort(x, axis=-1):
    """From the smallest entry to the largest along `axis`; None sorts the flattened array."""
    return jnp.sort(jnp.asarray(x), axis)


@op
def argsort(x, axis=-1):
    """The places of the entries from the smallest to the largest, equal ones in their order, as int32."""
    x = jnp.asarray(x)
    return jnp.argsort(x, axis=axis if x.ndim else None)


@op
def argpartition(x, kth, axis=-1):
    """Places in an order in which the entry that belongs at `kth` is there, smaller ones before and larger ones behind."""
    x = jnp.asarray(x)
    return jnp.argpartition(x.reshape(-1), kth, axis=0) if axis is None else jnp.argpartition(x, kth, axis)


@op
def searchsorted(sorted_sequence, values, side="left"):
    """Where values go in a sorted vector, as int32.

    Args:
        side: "left" before, "right" behind entries that are equal.

    Raises:
        ValueError: `sorted_sequence` is no vector.
    """
    sorted_sequence, values = arrays(sorted_sequence, values)
    if sorted_sequence.ndim != 1:
        raise ValueError(
            f"searchsorted searches one sorted vector; got an array of shape {sorted_sequence.shape}. "
            "ops.vectorized_map searches several."
        )
    return jnp.searchsorted(sorted_sequence, values, side=side)


@op
def digitize(x, bins):
    """The number of the bin that each entry falls in: bins[i - 1] <= x < bins[i], as int32.

    Args:
        bins: sorted vector of the edges.
    """
    return jnp.digitize(*arrays(x, bins))


@op
def unique(
    x, sorted=True, return_index=False, return_inverse=False, return_counts=False, axis=None, size=None, fill_value=None
):
    """The different entries, sorted; every NaN is one of its own.

    Args:
        sorted: whether they need be sorted.
        return_index, return_inverse, return_counts: whether also the places of the first of each, the number of each entry's, and
            how many of each there are come along, in this order, in a tuple.
        axis: compare the parts along this axis, not entries.
        size: how many; needed in a compiled program or graph. Fewer are filled up with `fill_value`.
    """
    return jnp.unique(
        jnp.asarray(x),
        return_index=return_index,
        return_inverse=return_inverse,
        return_counts=return_counts,
        axis=axis,
        equal_nan=False,
        size=size,
        fill_value=fill_value,
        sorted=sorted,
    )


@op
def bincount(x, weights=None, minlength=0, sparse=False):
    """How often each whole number from 0 on occurs, or the sum of its weights.

    Args:
        x: vector of whole numbers of at least 0, or a matrix, whose rows are counted each by itself.
        weights: of the shape of `x`.
        minlength: the least length of the result. It is as long as the largest number needs, so that this works on arrays, and in no
            compiled program or graph.
        sparse: only False; a sparse array is not supported.

    Raises:
        ValueError: `sparse` is true.
    """
    if sparse:
        raise ValueError("bincount(sparse=True) is not supported: the counts come as an ordinary array.")
    x, weights = jnp.asarray(x), None if weights is None else jnp.asarray(weights)
    if x.ndim != 2:
        return jnp.bincount(x, weights=weights, minlength=minlength)
    length = max(minlength, int(x.max(initial=-1)) + 1)
    rows = zip(x, [None] * len(x) if weights is None else weights)
    return jnp.stack([jnp.bincount(row, weights=weight, minlength=length) for row, weight in rows])


@op
def histogram(x, bins=10, range=None):
    """(counts, edges): how many entries fall in each bin.

    Args:
        bins: how many equal ones, or a vector of edges.
        range: (lowest edge, highest edge); None is that of the entries.
    """
    return jnp.histogram(jnp.asarray(x), bins=bins, range=range)
