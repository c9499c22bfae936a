"""The batches of any source that a layer's `adapt` takes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from phasewise.core.strings import as_host_array, holds_strings
from phasewise.core.types import ArrayLike
from phasewise.data import INFINITE_CARDINALITY, Dataset
from phasewise.data.adapters import as_plan
from phasewise.data.arrays import is_array_like, to_array

ROWS = 8192  # of an array at a time, so that what is made of them stays small


def batches_to_adapt(
    layer: Any,
    data: ArrayLike | Iterable[Any],
    steps: int | None = None,
    rows: Callable[[np.ndarray], int] = lambda x: ROWS,
) -> Iterator[np.ndarray]:
    """The inputs in `data`, batch by batch, as arrays on the host, of strings too.

    Args:
        layer: named in messages.
        data: an array or list of entries, a `Dataset`, or another source of batches.
        steps: how many batches will be taken; None for all.
        rows: how many rows of an array come at a time.

    Raises:
        ValueError: the data never end, or hold dicts.
        TypeError: the source is of no known kind.
    """
    if isinstance(data, str | bytes | int | float | np.generic):
        data = [data]
    for element in source_to_adapt(data, rows, row_rank=0, is_limited=steps is not None):
        yield as_host_array(input_of(layer, element))


def input_of(layer: Any, element: Any) -> Any:
    """The inputs of a batch (x, y), or of x alone.

    Raises:
        ValueError: they are a dict.
    """
    x = element[0] if isinstance(element, tuple) else element
    if isinstance(x, dict):
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} adapts to one array a batch; got a dict of {', '.join(map(str, x))}. "
            "Map it to one of these first."
        )
    return x


def source_to_adapt(
    data: Any, rows: Callable[[np.ndarray], int], *, row_rank: int, is_limited: bool = False
) -> Iterable[Any]:
    """What yields the batches of `data`.

    Args:
        rows: how many rows of an array come at a time.
        row_rank: number of axes of an element that is a single row, not a batch, where it comes from a `Dataset`.
        is_limited: whether only some batches will be read, so that the data may be endless.
    """
    if isinstance(data, list | tuple) and not is_array_like(data):
        return data
    if is_array_like(data):
        x = as_host_array(data) if holds_strings(data) else to_array(data)
        return as_plan(x, batch_size=rows(x), strings=True, role="adapt")
    plan = as_plan(data, role="adapt")
    if plan.cardinality() == INFINITE_CARDINALITY and not is_limited:
        raise ValueError("adapt reads the data to their end, and these never end: take a number of batches of them.")
    single_rows = isinstance(data, Dataset) and _rank(plan.element_spec) == row_rank
    return plan.batch(ROWS) if single_rows else plan


def _rank(spec):
    spec = spec[0] if isinstance(spec, tuple) else spec
    shape = getattr(spec, "shape", None)
    return None if shape is None else len(shape)
