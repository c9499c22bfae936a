"""The resident executor: a plan that only chooses and orders rows of arrays in memory, which are gathered a feed at a time."""

import itertools

import jax
import numpy as np

from phasewise.core.host_memory import empty
from phasewise.data.feed import Feed, Sizes, capacity_for, to_device_dtype
from phasewise.data.feed import fetch as fetch_batch
from phasewise.data.in_memory import InMemory
from phasewise.data.passes import Passes
from phasewise.data.structure import leaves, map_leaves


class Resident(InMemory):
    """Runs a plan that only chooses and orders rows of arrays in memory."""

    fetch = staticmethod(fetch_batch)

    def __init__(self, plan, batch_rows=None):
        self._plan, self.passes = plan._rows, Passes(plan)
        self.cardinality = plan.cardinality()
        self.batch_rows = batch_rows or self._plan.batch_size
        super().__init__(to_device_dtype(self._plan.source))
        self._row_bytes = sum(a.nbytes // max(len(a), 1) for a in leaves(self.arrays))
        self._on_device = None
        self._batches = None

    def restart(self):
        """Begin a new pass."""
        self._batches = None

    def go_to(self, position, *, anew):
        """Go on where `passes.position` was taken, perhaps in another process; `anew`: with the pass after that one.

        Returns how many batches were passed over.
        """
        skipped = self.passes.put_back(position, anew=anew)
        self._batches = None
        if skipped:
            for _ in self._taken(skipped):
                pass
        return skipped

    def goes_on(self, anew):
        """Whether there are data for a further epoch, which begins a new pass if `anew`, and else when the last one has ended."""
        first = None if anew or self._batches is None else next(self._batches, None)
        self._batches = None if first is None else itertools.chain([first], self._batches)
        return True

    def feeds(self, limit=None, pad_short=False):
        """Feeds of the batches, at most `limit`, from where the last call stopped.

        A short batch comes in a feed of its own, as it is or, with `pad_short`, filled up.
        """
        key = Sizes(len, self.batch_rows, short_alone=True) if pad_short else lambda batch: (len(batch), False)
        for (rows, is_filled), group in itertools.groupby(self._taken(limit), key=key):
            yield from self._in_feeds(group, rows, is_filled, most=1 if is_filled else None)

    def padded_feeds(self, limit=None, rows=None, regroup=False):
        """Feeds whose batches all have `rows` rows (default: those of a whole batch), short ones filled up."""
        batches = self._taken(limit)
        if regroup:
            batches = _regrouped(batches, rows)
        whole = rows or self.batch_rows
        for (size, _), group in itertools.groupby(batches, key=Sizes(len, whole, short_alone=False)):
            yield from self._in_feeds(group, size, True)

    def _taken(self, limit):
        if self._batches is None:
            self.passes.begin()
            self._batches = self._plan.stream()
        taken = 0
        while limit is None or taken < limit:
            batch = next(self._batches, None)
            if batch is None:
                self._batches = None if limit is None else iter(())
                return
            taken += 1
            yield batch

    def _in_feeds(self, batches, rows, is_filled, most=None):
        """Feeds of these batches of row numbers, each of `rows` rows after being filled up by its first row."""
        capacity = most or capacity_for(rows * self._row_bytes)
        while part := list(itertools.islice(batches, capacity)):
            real = np.fromiter(map(len, part), np.int32, len(part))
            if is_filled:
                part = [np.append(b, np.full(rows - len(b), b[0], b.dtype)) if len(b) < rows else b for b in part]
            room = 1 if len(part) == 1 and (is_filled or self.cardinality == 1) else capacity
            arrays = {"batches": self._gathered(np.stack(part), room)}
            if is_filled:
                arrays["valid"] = np.append(real, np.zeros(room - len(real), np.int32))
            yield Feed(arrays, len(part), rows, real)

    def _gathered(self, index, capacity):
        """The rows of the arrays at `index`, (batches, rows), with room for `capacity` batches."""
        if jax.default_backend() != "cpu":
            self._on_device = self._on_device or map_leaves(jax.device_put, self.arrays)
            whole = np.concatenate([index, np.zeros((capacity - len(index), index.shape[1]), index.dtype)])
            return _gathered_on_device(self._on_device, whole)

        def gather(source):
            block = empty((capacity, *index.shape[1:], *source.shape[1:]), source.dtype)
            np.take(source, index, axis=0, out=block[: len(index)], mode="clip")
            return block

        return map_leaves(gather, self.arrays)


@jax.jit
def _gathered_on_device(source, index):
    return jax.tree.map(lambda a: a.at[index].get(mode="promise_in_bounds"), source)


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
