"""The resident executor: arrays go to the device once, and each step gathers its rows there."""

import itertools

import jax
import numpy as np

from phasewise.data.feed import Feed, device_dtype, growing, pad_rows, roomy, to_device_dtype
from phasewise.data.structure import leaves, map_leaves

MAX_BATCHES = 65536
MAX_INDEX_BYTES = 32 << 20
PADDED_BYTES = 16 << 20


class Resident:
    """Runs a plan that only chooses and orders rows of arrays in memory."""

    def __init__(self, plan):
        self._plan = plan._rows
        self.cardinality = plan.cardinality()
        self.host_source = self._plan.source
        self._arrays = to_device_dtype(self.host_source)
        self._on_device = None
        self._batches = None
        self._is_checked = False
        self.is_suspect = False  # whether NaN or infinity was found

    @property
    def element_spec(self):
        """Structure of one batch, the row axis None."""
        return map_leaves(lambda a: _Spec((None, *a.shape[1:]), device_dtype(a.dtype)), self._arrays)

    def sample(self):
        """All rows, as host arrays, in the structure of a batch."""
        return self._arrays

    def unchecked(self, feed):
        """What has not been looked at: all rows, once, in the structure of a batch, and a function that names a row."""
        if self._is_checked:
            return None
        self._is_checked = True
        return self._arrays, lambda row: f"row {row}"

    @staticmethod
    def fetch(arrays, i):
        """Batch `i` of a feed's arrays; pure, called in the compiled loop."""
        rows = arrays["rows"][i]
        return jax.tree.map(lambda a: a.at[rows].get(mode="promise_in_bounds"), arrays["source"])

    def restart(self):
        """Begin a new pass."""
        self._batches = None

    def close(self):
        """Nothing to release."""

    def feeds(self, limit=None):
        """Feeds of the batches as they are, at most `limit`, from where the last call stopped."""
        for size, group in itertools.groupby(self._taken(limit), key=len):
            for part in _parts(group, size):
                yield Feed({"source": self._source(), "rows": np.stack(part)}, len(part), size)

    def padded_feeds(self, limit=None, rows=None, regroup=False):
        """Feeds whose batches all have `rows` rows (default: the most so far), short ones filled up."""
        batches = self._taken(limit)
        if regroup:
            batches = _regrouped(batches, rows)
        for size, group in itertools.groupby(batches, key=growing(rows, len)):
            for part in _parts(group, size):
                index = np.zeros((roomy(len(part)), size), np.int32)
                valid = np.zeros(len(index), np.int32)
                for place, batch in enumerate(part):
                    index[place, : len(batch)], index[place, len(batch) :] = batch, batch[0]
                    valid[place] = len(batch)
                yield Feed({"source": self._roomy_source(), "rows": index, "valid": valid}, len(part), size)

    def _taken(self, limit):
        if self._batches is None:
            self._batches = self._plan.stream()
        taken = 0
        while limit is None or taken < limit:
            batch = next(self._batches, None)
            if batch is None:
                self._batches = None if limit is None else iter(())
                return
            taken += 1
            yield batch

    def _roomy_source(self):
        """The arrays, small ones filled up to a round number of rows, so that programs are shared by many sizes."""
        if self._on_device is None and sum(a.nbytes for a in leaves(self._arrays)) <= PADDED_BYTES:
            rows = roomy(len(leaves(self._arrays)[0]))
            self._on_device = map_leaves(jax.device_put, pad_rows(self._arrays, rows))
        return self._source()

    def _source(self):
        if self._on_device is None:
            self._on_device = map_leaves(jax.device_put, self._arrays)
        return self._on_device


class _Spec:
    def __init__(self, shape, dtype):
        self.shape, self.dtype = shape, dtype


def _parts(batches, size):
    """Lists of batches, each small enough for one feed."""
    most = max(1, min(MAX_BATCHES, MAX_INDEX_BYTES // (4 * max(size, 1))))
    batches = iter(batches)
    while part := list(itertools.islice(batches, most)):
        yield part


def _regrouped(batches, rows):
    """The same rows in batches of `rows`, the last one shorter."""
    rest = []
    held = 0
    for batch in batches:
        rest.append(batch)
        held += len(batch)
        if held >= max(rows, 4096):
            joined = np.concatenate(rest)
            whole = held // rows * rows
            yield from joined[:whole].reshape(-1, rows)
            rest, held = [joined[whole:]], held - whole
    joined = np.concatenate(rest) if rest else np.empty(0, np.int32)
    for start in range(0, len(joined), rows):
        yield joined[start : start + rows]


def fits_in_memory(plan):
    """Whether the plan's arrays are small enough to stay on the device."""
    return sum(np.asarray(a).nbytes for a in leaves(plan._rows.source)) <= 2 << 30
