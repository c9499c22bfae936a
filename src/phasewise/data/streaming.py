"""The streaming executor: batches of any source, prepared by a thread that stays ahead of the device."""

import itertools
import time

import jax
import numpy as np

from phasewise.core.host_memory import empty
from phasewise.data.ahead import END, Ahead
from phasewise.data.feed import BatchSpec, Feed, Sizes, batch_bytes, capacity_for
from phasewise.data.feed import fetch as fetch_batch
from phasewise.data.passes import Passes
from phasewise.data.structure import leaves, map_leaves

MOST_BATCHES = 64
PATIENCE = 0.25  # seconds for which a feed is gathered


class Streaming:
    """Runs any plan.

    Args:
        plan: whose elements are batches.
        most: how many batches the run takes at most, over all passes; no more are read. None where that is not known.
    """

    fetch = staticmethod(fetch_batch)

    def __init__(self, plan, most=None):
        self._plan, self._left, self.passes = plan, most, Passes(plan)
        self._turn = plan._turn
        if self._turn is not None:
            self._turn.remembers = True
        self._handed = self._settled = 0  # batches that went out in feeds, and those that are used for certain
        self.cardinality = plan.cardinality()
        self._ahead = None
        self._first = None  # a batch that was looked at and is still to be taken
        self._sample = None
        self._started = False
        self._error = None
        self._seen = 0
        self.is_suspect = False  # whether NaN or infinity was found

    @property
    def element_spec(self):
        """Structure of one batch of the feed at hand, the row axis None; before any, the first batch is read for it."""
        if self.sample() is None:
            raise ValueError(
                "The data hold no rows: not a single batch came."
                if self._turn is None
                else "The generator is exhausted: not a single batch came. It is read once; make a new one for each call."
            )
        return map_leaves(lambda a: BatchSpec((None, *a.shape[1:]), a.dtype), self._sample)

    def sample(self):
        """A batch of the feed at hand, before any the first batch, as host arrays; None when there is none."""
        if self._sample is None:
            self._first = self._next()
            self._sample = None if self._first is END else self._first
        return self._sample

    @property
    def batch_rows(self):
        """Rows of a whole batch, as far as is known."""
        return 1 if self.sample() is None else _rows_of(self._sample)

    def restart(self):
        """Begin a new pass. A batch that was only looked at is not lost, and a source of one pass goes on where it was."""
        if self._started and self._turn is None:
            self._stop()
            if self._left is not None and self._first is not None and self._first is not END:
                self._left += 1
            self._first, self._started, self._seen = None, False, 0

    def go_to(self, position, *, anew):
        """Go on where `passes.position` was taken, perhaps in another process; `anew`: with the pass after that one.

        What comes before is made once more and passed over. Returns how many batches that were.
        """
        if self._turn is None:
            self._started = True
            self.restart()
        skipped = self.passes.put_back(position, anew=anew)
        for _ in range(skipped):
            if self._next() is END:
                break
            self._handed += 1
        self._started = skipped > 0
        self._settle(self._handed)
        return skipped

    def goes_on(self, anew):
        """Whether there are data for a further epoch, which begins a new pass if `anew`, and else when the last one has ended."""
        if anew:
            self.restart()
        if self._first is None and self._started:
            first = self._next()
            if first is END:
                self.restart()
                return self._turn is None
            self._first = first
        return True

    def close(self, used=None):
        """Stop the thread. Of a source of one pass, what was read and not used is there for the next run.

        Args:
            used: how many batches the run has used; all that went out in feeds where it is left out.
        """
        self._stop()
        if self._turn is not None:
            self._settle(self._handed if used is None else used)
            self._turn.end()

    def _stop(self):
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None

    def _settle(self, used):
        if self._turn is not None and used > self._settled:
            self._turn.used(used - self._settled)
            self._settled = used

    def feeds(self, limit=None, pad_short=False):
        """Feeds of the batches, at most `limit`, from where the last call stopped.

        A batch of fewer rows than the most so far comes in a feed of its own, as it is or, with `pad_short`, filled up.
        """
        for _, run in itertools.groupby(self._taken(limit), key=_kind):
            key = Sizes(_rows_of, short_alone=True) if pad_short else lambda batch: (_rows_of(batch), False)
            for (rows, is_filled), group in itertools.groupby(run, key=key):
                yield from self._noted(self._stacked(group, rows, is_filled, most=1 if is_filled else None))
        self._raise_error()

    def padded_feeds(self, limit=None, rows=None, regroup=False):
        """Feeds whose batches all have `rows` rows (default: the most so far), short ones filled up."""
        for _, run in itertools.groupby(self._taken(limit, regroup), key=_kind):
            regrouped = _regrouped(run, rows) if regroup else run  # noqa: B031 - one of the two is used
            for (size, _), group in itertools.groupby(regrouped, key=Sizes(_rows_of, rows, short_alone=False)):
                yield from self._noted(self._stacked(group, size, True), regroup)
        self._raise_error()

    def unchecked(self, feed):
        """What of a feed has not been looked at: its rows in the structure of a batch, and a function that names one."""
        first, self._seen = self._seen, self._seen + feed.steps
        batches = map_leaves(lambda a: a[: feed.steps].reshape(-1, *a.shape[2:]), feed.arrays["batches"])
        return batches, lambda row: f"row {row % feed.rows} of batch {first + row // feed.rows}"

    def _stacked(self, batches, rows, is_filled, most=None):
        """Feeds of stacked batches of `rows` rows. A slow source is not waited for: the feed goes as it is."""
        batches = iter(batches)
        for first in batches:
            most = most or min(MOST_BATCHES, capacity_for(batch_bytes(first) // max(_rows_of(first), 1) * rows))
            part = [first, *_within(batches, most - 1, PATIENCE)]
            room = 1 if self.cardinality == 1 else most
            real = np.array([_rows_of(batch) for batch in part], np.int32)
            arrays = {"batches": _blocks(part, room, rows)}
            if is_filled:
                arrays["valid"] = np.append(real, np.zeros(room - len(real), np.int32))
            yield Feed(arrays, len(part), rows, real)

    def _taken(self, limit, is_regrouped=False):
        taken = 0
        while limit is None or taken < limit:
            self._started = True
            try:
                batch = self._next()
            except Exception as error:  # raised when the batches before it have been used
                self._error = error
                return
            if batch is END:
                if limit is None:
                    self.restart()
                return
            taken += 1
            self._handed += is_regrouped
            yield batch

    def _raise_error(self):
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _noted(self, feeds, are_regrouped=False):
        before = self._handed
        for each in feeds:
            self._sample = map_leaves(lambda a: a[0], each.arrays["batches"])
            if not are_regrouped:
                before = self._handed = self._handed + each.steps
            yield each
            self._settle(before)  # regrouped, a batch may be in two feeds: it is used when the second one is
            before = self._handed

    def _next(self):
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._ahead is None:
            self.passes.begin()
            self._ahead = Ahead(self._plan, self._left)
        batch = self._ahead.get()
        if batch is not END and self._left is not None:
            self._left -= 1
        return batch


def _blocks(batches, capacity, rows):
    """Room for `capacity` batches of `rows` rows, with these in it one after the other, each filled up by its first row."""

    def fill(*arrays):
        block = empty((capacity, rows, *arrays[0].shape[1:]), arrays[0].dtype)
        for place, array in enumerate(arrays):
            block[place, : len(array)] = array
            if len(array) < rows:
                block[place, len(array) :] = array[0]
        return block

    return map_leaves(fill, *batches)


def _within(batches, count, seconds):
    """At most `count` batches, and none after `seconds`."""
    begun = time.perf_counter()
    for batch in itertools.islice(batches, count):
        yield batch
        if time.perf_counter() - begun > seconds:
            return


def _rows_of(batch):
    return len(leaves(batch)[0])


def _kind(batch):
    """What batches have in common that go into one feed: structure, dtypes, and shapes but for the rows."""
    arrays, structure = jax.tree.flatten(batch)
    return structure, tuple((a.shape[1:], a.dtype) for a in arrays)


def _regrouped(batches, rows):
    """The same rows in batches of `rows`, the last one shorter."""
    rest = None
    for batch in batches:
        rest = batch if rest is None else map_leaves(lambda a, b: np.concatenate([a, b]), rest, batch)
        while len(leaves(rest)[0]) >= rows:
            yield map_leaves(lambda a: a[:rows], rest)
            rest = map_leaves(lambda a: a[rows:], rest)
    if rest is not None and len(leaves(rest)[0]):
        yield rest
