"""Ids of categories to vectors with an entry for each."""

import jax


def encoded_ids(ids, mode, depth, dtype, weights=None):
    """Vectors of `depth` entries. An id below 0, or of `depth` and more, is no category and counts for none.

    Args:
        ids: integers, (batch, count, ...).
        mode: "one_hot" (a vector for each id; a last axis of size 1 is left out), "multi_hot" (1 where an id occurs along the second
            axis, or the only one) or "count" (how often).
        weights: what each id counts in "count", of the shape of `ids`; 1 where it is None.

    Returns:
        (batch, count, ..., depth) for "one_hot", else (batch, ..., depth).
    """
    ids = ids.reshape(1) if ids.ndim == 0 else ids
    if mode == "one_hot":
        ids = ids[..., 0] if ids.ndim > 1 and ids.shape[-1] == 1 else ids
        return jax.nn.one_hot(ids, depth, dtype=dtype)
    axis = 1 if ids.ndim > 1 else 0
    vectors = jax.nn.one_hot(ids, depth, dtype=dtype)
    if mode == "multi_hot":
        return vectors.max(axis, initial=0)
    return (vectors if weights is None else vectors * weights[..., None].astype(dtype)).sum(axis)
