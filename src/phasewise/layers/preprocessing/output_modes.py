"""How ids of categories are given out: as they are, or as vectors with an entry for each category."""

from typing import Any

import numpy as np

from phasewise.core.arguments import check_flag
from phasewise.core.registry import one_of
from phasewise.core.types import Shape

_FORMER_NAMES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def checked_mode(owner: str, mode: str, known: tuple[str, ...]) -> str:
    """The output mode under its present name.

    Raises:
        ValueError: it is none of the known ones.
    """
    return one_of(owner, "output_mode", _FORMER_NAMES.get(mode, mode), known)


def refuse_sparse(owner: str, sparse: bool) -> bool:
    """False.

    Raises:
        ValueError: sparse outputs are asked for.
    """
    if check_flag(owner, "sparse", sparse):
        raise ValueError(
            f"{owner}'s sparse=True is not supported: arrays here, as JAX's, hold all their entries. Leave it out, or give ids "
            '(output_mode="int") to an Embedding, which reads only the rows that it needs.'
        )
    return False


def encoded_shape(shape: Shape, mode: str, depth: int | None) -> Shape:
    """The shape that `encoded` gives: "one_hot" adds an axis (in place of a last one of size 1), "multi_hot" and "count" count along the
    second axis, or the only one.

    Raises:
        ValueError: that one is the batch, whose rows would be one sample.
    """
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape or (1,)), depth)
    if shape == (None,):
        raise ValueError(
            f"output_mode={mode!r} counts along the second axis, and inputs of shape (batch,) have none: all rows would be one sample. "
            'Use Input((1,)), or output_mode="one_hot".'
        )
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)


def encoded(ids: np.ndarray, mode: str, depth: int, dtype: Any = "float32") -> np.ndarray:
    """Vectors of `depth` entries on the host. An id below 0, or of `depth` and more, is no category and counts for none.

    It takes the memory of its result; nothing is made for each pair of an id and a category.

    Args:
        ids: integers; where they have one axis, "multi_hot" and "count" take them for one sample.
        mode: "one_hot", "multi_hot" or "count".
    """
    ids = ids.reshape(1) if ids.ndim == 0 else ids
    if mode == "one_hot":
        ids = ids[..., 0] if ids.ndim > 1 and ids.shape[-1] == 1 else ids
        return _counted(ids.reshape(-1, 1), depth, dtype).reshape(*ids.shape, depth)
    moved = np.moveaxis(ids, 1, -1) if ids.ndim > 1 else ids
    counts = _counted(moved.reshape(-1, moved.shape[-1]), depth, dtype).reshape(*moved.shape[:-1], depth)
    return counts if mode == "count" else (counts > 0).astype(dtype)


def _counted(rows, depth, dtype):
    """How often each category occurs in each row, (rows, depth)."""
    is_category = (rows >= 0) & (rows < depth)
    places = (rows + np.arange(len(rows))[:, None] * depth)[is_category]
    return np.bincount(places, minlength=len(rows) * depth).reshape(len(rows), depth).astype(dtype)
