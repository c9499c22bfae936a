"""The executor of one batch of arrays: there is nothing to choose, to order or to gather."""

import numpy as np

from phasewise.data.feed import BatchSpec, Feed, fetch, narrowed, pad_rows
from phasewise.data.structure import leaves, map_leaves


class _OnePass:
    begun = 1


class OneBatch:
    """Brings the arrays as the one batch that they are. What runs on it is over before they are anybody else's again: they are not copied.

    Args:
        source: tuple of nests of NumPy arrays of numbers, of as many rows.
        batch_rows: how many rows it is filled up to where it may be.
    """

    cardinality, passes, fetch = 1, _OnePass(), staticmethod(fetch)

    def __init__(self, source, batch_rows):
        self._arrays, self.batch_rows = narrowed(source), batch_rows
        self._rows = len(leaves(self._arrays)[0])
        self._is_checked = False
        self.is_suspect = False  # whether NaN or infinity was found

    @property
    def element_spec(self):
        """Structure of the batch, the row axis None."""
        return map_leaves(lambda a: BatchSpec((None, *a.shape[1:]), a.dtype), self._arrays)

    def sample(self):
        """The arrays, in the structure of the batch."""
        return self._arrays

    def unchecked(self, feed):
        """The arrays, once, and a function that names a row."""
        if self._is_checked:
            return None
        self._is_checked = True
        return self._arrays, lambda row: f"row {row}"

    def feeds(self, limit=None, pad_short=False):
        """The batch as it is or, with `pad_short`, filled up where it is short."""
        yield self._feed(pad_short and self._rows < self.batch_rows)

    def padded_feeds(self, limit=None):
        """The batch with as many rows as a whole one has."""
        yield self._feed(True)

    def _feed(self, is_filled):
        real = np.array([self._rows], np.int32)
        if not is_filled:
            return Feed({"batches": map_leaves(lambda a: a[None], self._arrays)}, 1, self._rows, real)
        batches = map_leaves(lambda a: pad_rows(a, self.batch_rows)[None], self._arrays)
        return Feed({"batches": batches, "valid": real}, 1, self.batch_rows, real)
