"""Rows in order, cut into tiles of one size: what is predicted where rows do not see each other."""

import numpy as np

from phasewise.core.host_memory import empty
from phasewise.data.adapters import BATCH_SIZE, arrays_of, as_plan, held
from phasewise.data.arrays import to_array
from phasewise.data.cardinality import positive
from phasewise.data.checks import check_arrays
from phasewise.data.executor import make_executor
from phasewise.data.feed import Feed, capacity_for, to_device_dtype
from phasewise.data.in_memory import InMemory
from phasewise.data.structure import leaves, map_leaves


def tile_feeds(arrays, rows):
    """Feeds of tiles of `rows` rows of a structure of host arrays, the last filled up by a row that is there."""
    count = len(leaves(arrays)[0])
    capacity = 1 if count <= rows else capacity_for(rows * sum(a.nbytes // count for a in leaves(arrays)))
    for first in range(0, count, capacity * rows):
        last = min(first + capacity * rows, count)
        steps = -(-(last - first) // rows)
        real = np.full(steps, rows, np.int32)
        real[-1] = last - first - rows * (steps - 1)
        valid = real if steps == capacity else np.append(real, np.zeros(capacity - steps, np.int32))
        yield Feed({"batches": _tiles(arrays, first, last, capacity, rows), "valid": valid}, steps, rows, real)


def _tiles(arrays, first, last, capacity, rows):
    used = -(-(last - first) // rows) * rows

    def cut(array):
        block = empty((capacity * rows, *array.shape[1:]), array.dtype)
        block[: last - first] = array[first:last]
        block[last - first : used] = array[first]
        return block.reshape(capacity, rows, *array.shape[1:])

    return map_leaves(cut, arrays)


class Tiles(InMemory):
    """Runs arrays in order, as `predict` does: without a plan, where rows do not see each other.

    Args:
        x: arrays, or a nest of them.
        batch_size: rows that are normalized together where rows do see each other.
        hold: whether arrays are copied: see `as_plan`.

    Attributes:
        given: `x`.
        arrays: a tuple of it alone, in arrays as the device takes them.
    """

    def __init__(self, x, batch_size=None, hold=False):
        self._batch_rows = positive("batch_size", BATCH_SIZE if batch_size is None else batch_size)
        self.given = x
        arrays = arrays_of(x, held if hold else to_array)
        check_arrays({"x": arrays})
        super().__init__((to_device_dtype(arrays),))
        self._rows = len(leaves(self.arrays)[0])

    @classmethod
    def of_one_batch(cls, x):
        """Runs arrays whose rows are all normalized together."""
        tiles = cls(x)
        tiles._batch_rows = tiles._rows
        return tiles

    @property
    def batch_rows(self):
        """Rows of a whole batch."""
        return self._batch_rows

    @property
    def cardinality(self):
        """Number of batches."""
        return -(-self._rows // self._batch_rows)

    def padded_feeds(self, limit=None, rows=None, regroup=False):
        """As those of the other executors."""
        if regroup:
            return tile_feeds(self.arrays, rows)
        return self._in_batches().padded_feeds(limit, rows)

    def feeds(self, limit=None):
        """As those of the other executors."""
        return self._in_batches().feeds(limit)

    def _in_batches(self):
        (x,) = self.arrays
        return make_executor(as_plan(x, batch_size=self._batch_rows, role="predict"))
