"""What the training loop consumes: runs of equally shaped batches, and the dtypes they have on the device.

The arrays of a feed have room for a number of batches that depends on the size of one batch alone, never on how many rows the
data have: so one compiled program serves data of every length.
"""

import dataclasses
from typing import NamedTuple

import jax
import numpy as np

from phasewise.core.host_memory import empty
from phasewise.data.structure import leaves, map_leaves, named_leaves

FEED_BYTES = 4 << 20
# Of large batches so many are fed together, up to so many bytes: a dispatch finds its memory anew, which few steps would pay for.
FEW_BATCHES, MOST_BYTES = 8, 64 << 20
MOST_BATCHES = 4096
SMALL_BATCH = 256  # rows up to which a short batch is filled up to a whole one, whatever it holds


class Feed(NamedTuple):
    """A run of equally shaped batches.

    Attributes:
        arrays: what the compiled loop is given: "batches", each leaf (capacity, rows, ...), and where batches are filled up
            "valid", the number of real rows of each, int32 (capacity,).
        steps: how many batches there are.
        rows: rows in each batch.
        real_rows: of each batch on the host, int32 (steps,).
    """

    arrays: dict
    steps: int
    rows: int
    real_rows: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class BatchSpec:
    """Shape, None for the row axis, and dtype of a part of a batch."""

    shape: tuple
    dtype: np.dtype


def fetch(arrays, i):
    """Batch `i` of a feed's arrays; pure, called in the compiled loop."""
    # Not a[i]: that would have the program ask, for each axis, whether the number is negative.
    return jax.tree.map(
        lambda a: jax.lax.dynamic_index_in_dim(a, i, 0, keepdims=False, allow_negative_indices=False), arrays["batches"]
    )


def capacity_of(arrays):
    """How many batches the arrays of a feed have room for."""
    return jax.tree.leaves(arrays["batches"])[0].shape[0]


def capacity_for(batch_bytes):
    """How many batches of so many bytes a feed has room for."""
    small, large = (most // max(batch_bytes, 1) for most in (FEED_BYTES, MOST_BYTES))
    return max(1, min(small, MOST_BATCHES), min(large, FEW_BATCHES))


def filled_rows(rows, whole):
    """To how many rows a batch of `rows` is filled up where a whole one has `whole`: one of very few sizes.

    All the way where that costs little; of large batches that are nearly empty, to an eighth or less.
    """
    size = whole
    while size > SMALL_BATCH and rows <= size // 8:
        size //= 8
    return size


def size_class(rows):
    """The next size, from `rows` on, of those to which single batches are filled up: four between a power of two and the next."""
    step = max(1, 1 << (rows - 1).bit_length() >> 3)
    return -(-rows // step) * step


_NARROW = {
    np.dtype(wide): np.dtype(narrow)
    for wide, narrow in (("float64", "float32"), ("int64", "int32"), ("uint64", "uint32"), ("complex128", "complex64"))
}


def device_dtype(dtype):
    """float64 and 64-bit integers are 32-bit on the device (complex128: complex64); every other numeric dtype stays."""
    dtype = np.dtype(dtype)
    return _NARROW.get(dtype, dtype)


def to_device_dtype(structure, name="data"):
    """Leaves in the dtypes of the device.

    Raises:
        TypeError: strings or objects; the message says where they are.
        ValueError: an integer that 32 bits cannot hold.
    """
    for where, array in named_leaves(structure, name):
        check_numeric(where, array)
    return narrowed(structure)


def narrowed(structure):
    """As `to_device_dtype`, of numbers."""

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
            "(categories as integers, for example): TextVectorization, StringLookup and Hashing do, in Dataset.map or as the first layers "
            "of a functional model or a Sequential."
        )


def pad_rows(array, rows):
    """The array filled up to `rows` rows by its first."""
    filled = empty((rows, *array.shape[1:]), array.dtype)
    filled[: len(array)], filled[len(array) :] = array, array[0]
    return filled


def batch_bytes(batch):
    """The bytes of one batch."""
    return sum(a.nbytes for a in leaves(batch))


class Sizes:
    """How the batches of a stream are grouped into feeds: a key for `itertools.groupby`, (rows of the feed, is filled up).

    Args:
        rows_of: `batch -> int`.
        whole: rows of a whole batch; None where only the most rows that came so far tell.
        short_alone: a short batch is filled up in a feed of its own, and whole ones are not; else all are filled up to whole ones.
    """

    def __init__(self, rows_of, whole=None, *, short_alone):
        self._rows_of, self._whole, self._short_alone = rows_of, whole or 0, short_alone

    def __call__(self, batch):
        rows = self._rows_of(batch)
        self._whole = max(self._whole, rows)
        if not self._short_alone:
            return self._whole, True
        return (rows, False) if rows == self._whole else (filled_rows(rows, self._whole), True)
