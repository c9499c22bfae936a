"""Checks of arrays before any work is done with them."""

import numpy as np

from phasewise.core.warning import NonFiniteWarning, warn
from phasewise.data.feed import check_numeric
from phasewise.data.structure import named_leaves


def check_arrays(parts, strings=False):
    """Lengths, emptiness and dtypes of what `fit` and the rest were given.

    Args:
        parts: dict of "x", "y", "sample_weight" -> structure of arrays, None where absent.
        strings: whether "x" may hold strings.

    Raises:
        TypeError: strings or objects.
        ValueError: no rows, a scalar, or different numbers of rows.
    """
    named = [pair for name, part in parts.items() if part is not None for pair in named_leaves(part, name)]
    for where, array in named:
        if not (strings and where.startswith("x")):
            check_numeric(where, array)
        if np.ndim(array) == 0:
            raise ValueError(f"{where} is a single number; give an array with one row for each example.")
    first_name, first = named[0]
    if len(first) == 0:
        raise ValueError(f"{first_name} is empty: it has shape {first.shape}. Give at least one row.")
    for where, array in named[1:]:
        if len(array) != len(first):
            raise ValueError(
                f"{first_name} has {len(first)} rows (shape {first.shape}) and {where} has {len(array)} (shape {array.shape}); "
                "they must agree."
            )


def warn_nonfinite(structure, name, locate=lambda row: f"row {row}"):
    """Warn, with the place, where a floating array holds NaN or infinity. Returns whether one does.

    Args:
        structure: of arrays.
        name: what they are.
        locate: names a row.
    """
    found = first_nonfinite(structure, name, locate)
    if found is not None:
        warn(
            f"{found}: no loss or prediction that they enter will be finite. Clean the data, or leave those rows out.",
            NonFiniteWarning,
        )
    return found is not None


def first_nonfinite(structure, name, locate=lambda row: f"row {row}"):
    """Where the first array that holds NaN or infinity does, in words; None where all are finite. Arguments as for `warn_nonfinite`."""
    for where, array in named_leaves(structure, name):
        if array.dtype.kind != "f" or _is_finite(array):
            continue
        bad = ~np.isfinite(array)
        if bad.any():
            place = np.unravel_index(bad.argmax(), array.shape)
            inner = ", ".join(map(str, place[1:]))
            column = "" if not inner else f", position {inner}" if len(place) == 2 else f", position ({inner})"
            count = int(bad.sum())
            entries = "the only such entry" if count == 1 else f"one of {count} such entries"
            return f"{where} holds {array[place]} in {locate(place[0])}{column} ({entries})"
    return None


def _is_finite(array):
    with np.errstate(invalid="ignore", over="ignore"):
        return np.isfinite(array.sum(dtype=np.float64))
