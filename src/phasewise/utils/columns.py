"""Columns of a table, as a FeatureSpace reads them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from phasewise.core.strings import as_host_array
from phasewise.data import Dataset


def column_of(dataset: Dataset | Mapping[str, Any], column: str) -> np.ndarray | Dataset:
    """A column as `adapt` of a layer takes it: every row with one axis.

    Raises:
        ValueError: the data have no such column.
    """
    if isinstance(dataset, Mapping):
        if column not in dataset:
            raise ValueError(f"adapt's data lack the column {column!r}; they have {', '.join(dataset)}.")
        return as_rows(array_of(dataset[column]))
    spec = dataset.element_spec
    if not isinstance(spec, Mapping) or column not in spec:
        shown = f"they have {', '.join(spec)}" if isinstance(spec, Mapping) else "their elements are no dicts"
        raise ValueError(
            f"adapt's data lack the column {column!r}: {shown}. Of pairs take the first: dataset.map(lambda x, y: x)."
        )
    values = dataset.map(lambda row: row[column])
    rank = len(spec[column].shape)
    values = values.batch(256) if rank == 0 else values
    return values.map(as_rows) if rank < 2 else values


def array_of(value: Any, dtype: str | None = None) -> np.ndarray:
    """Numbers of this dtype, or strings as they are."""
    array = as_host_array(value) if dtype in (None, "string") else np.asarray(value)
    return array if dtype is None or dtype == "string" or array.dtype.kind in "SUO" else array.astype(dtype)


def as_rows(array: np.ndarray) -> np.ndarray:
    """(rows, 1) of (rows,), and of one scalar."""
    return array.reshape(1, 1) if array.ndim == 0 else array[:, None] if array.ndim == 1 else array
