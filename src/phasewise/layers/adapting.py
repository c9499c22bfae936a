"""The batches of any source that a layer's `adapt` takes."""

import itertools
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
    row_rank: int = 0,
) -> Iterator[np.ndarray]:
    """The inputs in `data`, batch by batch, as arrays on the host, of strings too.

    Args:
        layer: named in messages.
        data: an array or list of entries, a `Dataset`, or another source of batches.
        steps: how many batches are taken, so that the data may be endless; None for all.
        rows: how many rows of an array come at a time.
        row_rank: number of axes of an element that is a single row, not a batch, where it comes from a `Dataset`.

    Raises:
        ValueError: the data never end, or hold dicts.
        TypeError: the source is of no known kind.
    """
    if row_rank == 0 and isinstance(data, str | bytes | int | float | np.generic):
        data = [data]
    for element in itertools.islice(_source(data, steps, rows, row_rank), steps):
        yield _on_host(_input_of(layer, element))


def _on_host(x):
    return as_host_array(x) if holds_strings(x) else to_array(x)


def _input_of(layer, element):
    x = element[0] if isinstance(element, tuple) else element
    if isinstance(x, dict):
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} adapts to one array a batch; got a dict of {', '.join(map(str, x))}. "
            "Map it to one of these first."
        )
    return x


def _source(data, steps, rows, row_rank):
    """What yields the batches of `data`."""
    if isinstance(data, list | tuple) and not is_array_like(data):
        return data
    if is_array_like(data):
        x = _on_host(data)
        return as_plan(x, batch_size=rows(x), strings=True, role="adapt")
    plan = as_plan(data, strings=True, role="adapt")
    if plan.cardinality() == INFINITE_CARDINALITY and steps is None:
        raise ValueError("adapt reads the data to their end, and these never end: take a number of batches of them.")
    single_rows = isinstance(data, Dataset) and _rank(plan.element_spec) == row_rank
    return plan.batch(ROWS) if single_rows else plan


def _rank(spec):
    spec = spec[0] if isinstance(spec, tuple) else spec
    shape = getattr(spec, "shape", None)
    return None if shape is None else len(shape)
