"""Are ids numbers of rows of their table? Asked where their values are known: of a call by hand, of data on the host."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from phasewise.core.types import ArrayLike


def check_ids(layer: Any, ids: ArrayLike, locate: Callable[[int], str] = lambda row: f"row {row}") -> None:
    """Holds ids against the `input_dim` of an embedding.

    Args:
        layer: it has `name` and `input_dim`, and `size_argument` where the user calls that otherwise.
        ids: array (rows, ...) with values, any dtype.
        locate: names a row.

    Raises:
        ValueError: an id is no whole number in [0, input_dim); the message gives it, its row and place.
    """
    ids = np.asarray(ids)
    if not ids.size or ids.dtype == bool or (ids.dtype.kind in "iu" and ids.min() >= 0 and ids.max() < layer.input_dim):
        return
    ids = ids.astype(np.float64) if ids.dtype.kind not in "iu" else ids
    bad = ~((ids >= 0) & (ids < layer.input_dim)) | (ids != np.floor(ids))
    if not bad.any():
        return
    place = tuple(map(int, np.unravel_index(bad.argmax(), ids.shape)))
    row = f" in {locate(place[0])}" if place else ""
    inner = f", position {place[1] if len(place) == 2 else place[1:]}" if place[1:] else ""
    others = f" ({int(bad.sum()) - 1} more such)" if bad.sum() > 1 else ""
    hint = " A negative id is no way to count from the end." if ids[place] < 0 else ""
    raise ValueError(
        f"{type(layer).__name__} {layer.name!r} has {getattr(layer, 'size_argument', 'input_dim')}={layer.input_dim}, so that its ids are whole numbers in [0, "
        f"{layer.input_dim - 1}]; it was given {ids[place]:g}{row}{inner}{others}.{hint}"
    )


def check_ids_of(looked_up: Iterable[tuple[int, Any]], leaves: list[Any], locate: Callable[[int], str]) -> None:
    """As `check_ids`, for what a model looks up of its inputs.

    Args:
        looked_up: pairs (number of the input, layer).
        leaves: the arrays of the inputs.
    """
    for number, layer in looked_up:
        check_ids(layer, leaves[number], locate)
