"""The batches of any source that `Normalization.adapt` takes."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from phasewise.core.types import ArrayLike
from phasewise.data import INFINITE_CARDINALITY, Dataset
from phasewise.data.adapters import as_plan
from phasewise.data.arrays import is_array_like, to_array
from phasewise.data.checks import warn_nonfinite
from phasewise.data.feed import check_numeric
from phasewise.layer.layer import Layer

ROWS = 8192  # of an array at a time, so that its float64 copy stays small


def batches_of(layer: Layer, data: ArrayLike | Iterable[Any]) -> Iterator[np.ndarray]:
    """The inputs in `data`, batch by batch, as NumPy arrays.

    Args:
        layer: whose axes they are: an array is one batch where its first axis is kept.
        data: as for `Normalization.adapt`.

    Raises:
        ValueError: the data never end, or hold dicts.
        TypeError: the source is of no known kind, or holds strings.
    """
    suspect = False
    for element in _plan(layer, data):
        x = element[0] if isinstance(element, tuple) else element
        if isinstance(x, dict):
            raise ValueError(
                f"Normalization {layer.name!r} adapts to one array a batch; got a dict of {', '.join(map(str, x))}. "
                "Map it to one of these first."
            )
        x = to_array(x)
        check_numeric("adapt's data", x)
        suspect = suspect or warn_nonfinite(x, "adapt's data")
        yield x


def _plan(layer, data):
    if isinstance(data, list | tuple) and not is_array_like(data):
        return data
    if is_array_like(data):
        x = to_array(data)
        keeps_rows = any(a in (0, -np.ndim(x)) for a in layer.axis)
        return as_plan(x, batch_size=max(len(x), 1) if keeps_rows or x.ndim < 2 else ROWS, role="adapt")
    plan = as_plan(data, role="adapt")
    if plan.cardinality() == INFINITE_CARDINALITY:
        raise ValueError("adapt reads the data to their end, and these never end: take a number of batches of them.")
    single_rows = isinstance(data, Dataset) and _rank(plan.element_spec) == 1
    return plan.batch(ROWS) if single_rows else plan


def _rank(spec):
    spec = spec[0] if isinstance(spec, tuple) else spec
    shape = getattr(spec, "shape", None)
    return None if shape is None else len(shape)
