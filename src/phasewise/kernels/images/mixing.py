"""Which rows of a batch are mixed with which, and where one is pasted into another."""

import jax.numpy as jnp


def partners(keys, real=None):
    """A permutation of the rows, in which real rows have real partners and padding has padding.

    Args:
        keys: (rows,) of random uint32; the permutation is a function of their order.
        real: boolean (rows,), True for real rows; None: all are.

    Returns:
        (rows,) of int32: each permutation of the real rows is as likely as any other.
    """
    if real is None:
        return jnp.argsort(keys).astype(jnp.int32)
    places = jnp.argsort(~real, stable=True)  # the real rows first, in their order
    shuffled = jnp.lexsort((keys, ~real))  # the real rows first, in a random one
    return jnp.zeros(keys.shape, jnp.int32).at[places].set(shuffled.astype(jnp.int32))


def box_mask(starts, lengths, sizes):
    """Where a box of whole pixels lies in an image.

    Args:
        starts, lengths: pairs (along the height, along the width) of integer arrays (rows,).
        sizes: (height, width).

    Returns:
        Boolean (rows, height, width, 1).
    """
    inside = [
        (jnp.arange(size) >= start[:, None]) & (jnp.arange(size) < (start + length)[:, None])
        for start, length, size in zip(starts, lengths, sizes)
    ]
    return (inside[0][:, :, None] & inside[1][:, None, :])[..., None]
