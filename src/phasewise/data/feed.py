"""What the training loop consumes: runs of equally shaped batches, and the dtypes they have on the device."""

from typing import NamedTuple

import numpy as np

from phasewise.data.structure import map_leaves, named_leaves


class Feed(NamedTuple):
    """A run of equally shaped batches.

    Attributes:
        arrays: what the compiled loop is given; "valid" holds the number of real rows of each batch, where it is there.
        steps: how many batches.
        rows: rows in each batch.
    """

    arrays: dict
    steps: int
    rows: int


def device_dtype(dtype):
    """float64 and 64-bit integers are 32-bit on the device (complex128: complex64); every other numeric dtype stays."""
    narrow = {"float64": "float32", "int64": "int32", "uint64": "uint32", "complex128": "complex64"}
    return np.dtype(narrow.get(str(dtype), dtype))


def to_device_dtype(structure, name="data"):
    """Leaves in the dtypes of the device.

    Raises:
        TypeError: strings or objects; the message says where they are.
        ValueError: an integer that 32 bits cannot hold.
    """
    for where, array in named_leaves(structure, name):
        check_numeric(where, array)

    def convert(array):
        array = np.asarray(array)
        dtype = device_dtype(array.dtype)
        if dtype != array.dtype and dtype.kind in "iu" and array.size:
            low, high = array.min(), array.max()
            if low < np.iinfo(dtype).min or high > np.iinfo(dtype).max:
                raise ValueError(
                    f"The data hold the integer {high if high > np.iinfo(dtype).max else low}, which 32 bits cannot hold. "
                    "Convert it to float, or make it smaller."
                )
        return array.astype(dtype, copy=False)

    return map_leaves(convert, structure)


def check_numeric(where, array):
    """Raises TypeError when `array` holds strings or objects."""
    dtype = np.asarray(array).dtype
    if dtype.kind in "OUSMm":
        raise TypeError(
            f"{where} has dtype {dtype}, but a model takes numbers. Encode strings, dates and objects as numbers first "
            "(categories as integers, for example)."
        )


def growing(rows, rows_of):
    """A key that groups batches by the most rows that one had so far.

    Args:
        rows: what it begins with; None for nothing.
        rows_of: `batch -> int`.
    """
    most = rows or 0

    def key(batch):
        nonlocal most
        most = max(most, rows_of(batch))
        return most

    return key


def roomy(count):
    """The next power of two from 2, above 1024 the next multiple of 1024: few programs then serve data of all sizes."""
    return max(2, 1 << (count - 1).bit_length()) if count <= 1024 else -(-count // 1024) * 1024


def pad_rows(structure, rows):
    """Leaves filled up to `rows` rows by repeating the first."""

    def fill(array):
        missing = rows - len(array)
        return array if missing <= 0 else np.concatenate([array, np.repeat(array[:1], missing, axis=0)])

    return map_leaves(fill, structure)
