"""The executor of one batch of arrays: there is nothing to choose, to order or to gather."""

import numpy as np

from phasewise.data.feed import Feed, fetch, narrowed, pad_rows
from phasewise.data.in_memory import InMemory
from phasewise.data.structure import leaves, map_leaves


class _OnePass:
    begun = 1


class OneBatch(InMemory):
    """Brings the arrays as the one batch that they are. What runs on it is over before they are anybody else's again: they are not copied.

    Args:
        source: tuple of nests of NumPy arrays of numbers, of as many rows.
        batch_rows: how many rows it is filled up to where it may be.
    """

    cardinality, passes, fetch = 1, _OnePass(), staticmethod(fetch)

    def __init__(self, source, batch_rows):
        super().__init__(narrowed(source))
        self.batch_rows, self._rows = batch_rows, len(leaves(source)[0])

    def feeds(self, limit=None, pad_short=False):
        """The batch as it is or, with `pad_short`, filled up where it is short."""
        yield self._feed(pad_short and self._rows < self.batch_rows)

    def padded_feeds(self, limit=None):
        """The batch with as many rows as a whole one has."""
        yield self._feed(True)

    def _feed(self, is_filled):
        real = np.array([self._rows], np.int32)
        if not is_filled:
            return Feed({"batches": map_leaves(lambda a: a[None], self.arrays)}, 1, self._rows, real)
        batches = map_leaves(lambda a: pad_rows(a, self.batch_rows)[None], self.arrays)
        return Feed({"batches": batches, "valid": real}, 1, self.batch_rows, real)
