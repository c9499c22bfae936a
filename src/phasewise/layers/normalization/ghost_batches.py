"""Ghost batches: a batch cut into small ones that are normalized one by one (Hoffer et al. 2017)."""

import jax.numpy as jnp


def ghosts_of(x, rows, mask=None):
    """`x` as ghost batches of `rows` rows; a last one that is short is filled up.

    Args:
        x: (batch, ...).
        rows: positive int.
        mask: boolean, broadcasts against `x`; False positions do not count; or None.

    Returns:
        (x of shape (ghosts, rows, ...), mask that broadcasts against it, or None where all counts).
    """
    missing = -x.shape[0] % rows
    if missing and mask is None:
        mask = jnp.ones((x.shape[0],) + (1,) * (x.ndim - 1), bool)
    if mask is None:
        return _stacked(x, rows, missing), None
    mask = jnp.broadcast_to(mask, (x.shape[0], *mask.shape[1:]))
    return _stacked(x, rows, missing), _stacked(mask, rows, missing)


def rows_of(x, count):
    """The inverse of `ghosts_of`: the first `count` rows of all ghost batches as one."""
    return x.reshape(-1, *x.shape[2:])[:count]


def _stacked(x, rows, missing):
    padded = jnp.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)) if missing else x
    return padded.reshape(-1, rows, *x.shape[1:])
