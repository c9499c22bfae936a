"""The streaming executor: batches of any source, prepared by a thread that stays ahead of the device."""

import itertools
import queue
import threading
import time

import numpy as np

from phasewise.data.feed import BatchSpec, Feed, Sizes, batch_bytes, capacity_for, empty, to_device_dtype
from phasewise.data.feed import fetch as fetch_batch
from phasewise.data.structure import leaves, map_leaves

MOST_BATCHES = 64
PATIENCE = 0.25  # seconds for which a feed is gathered
_END = object()


class Streaming:
    """Runs any plan."""

    fetch = staticmethod(fetch_batch)

    def __init__(self, plan):
        self._plan = plan
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
            raise ValueError("The data hold no rows: not a single batch came.")
        return map_leaves(lambda a: BatchSpec((None, *a.shape[1:]), a.dtype), self._sample)

    def sample(self):
        """A batch of the feed at hand, before any the first batch, as host arrays; None when there is none."""
        if self._sample is None:
            self._first = self._next()
            self._sample = None if self._first is _END else self._first
        return self._sample

    @property
    def batch_rows(self):
        """Rows of a whole batch, as far as is known."""
        return 1 if self.sample() is None else _rows_of(self._sample)

    def restart(self):
        """Begin a new pass. A batch that was only looked at is not lost, and a source of one pass goes on where it was."""
        if self._started and not self._plan._is_one_pass:
            self.close()
            self._first, self._started, self._seen = None, False, 0

    def close(self):
        """Stop the thread."""
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None

    def feeds(self, limit=None, pad_short=False):
        """Feeds of the batches, at most `limit`, from where the last call stopped.

        A batch of fewer rows than the most so far comes in a feed of its own, as it is or, with `pad_short`, filled up.
        """
        for _, run in itertools.groupby(self._taken(limit), key=_row_shapes):
            key = Sizes(_rows_of, short_alone=True) if pad_short else lambda batch: (_rows_of(batch), False)
            for (rows, is_filled), group in itertools.groupby(run, key=key):
                yield from self._noted(self._stacked(group, rows, is_filled, most=1 if is_filled else None))
        self._raise_error()

    def padded_feeds(self, limit=None, rows=None, regroup=False):
        """Feeds whose batches all have `rows` rows (default: the most so far), short ones filled up."""
        for _, run in itertools.groupby(self._taken(limit), key=_row_shapes):
            regrouped = _regrouped(run, rows) if regroup else run  # noqa: B031 - one of the two is used
            for (size, _), group in itertools.groupby(regrouped, key=Sizes(_rows_of, rows, short_alone=False)):
                yield from self._noted(self._stacked(group, size, True))
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

    def _taken(self, limit):
        taken = 0
        while limit is None or taken < limit:
            self._started = True
            try:
                batch = self._next()
            except Exception as error:  # raised when the batches before it have been used
                self._error = error
                return
            if batch is _END:
                if limit is None:
                    self.restart()
                return
            taken += 1
            yield batch

    def _raise_error(self):
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _noted(self, feeds):
        for each in feeds:
            self._sample = map_leaves(lambda a: a[0], each.arrays["batches"])
            yield each

    def _next(self):
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._ahead is None:
            self._ahead = _Ahead(self._plan)
        return self._ahead.get()


class _Ahead:
    """A thread that prepares batches into a bounded queue. It holds no reference to the executor."""

    def __init__(self, plan):
        self._queue = queue.Queue(maxsize=8)
        self._stopped = threading.Event()
        self._ended = None
        self._thread = threading.Thread(target=_prepare, args=(plan, self._queue, self._stopped), daemon=True)
        self._thread.start()

    def get(self):
        """The next batch, `_END`, or the source's own error."""
        if self._ended is None:
            item = self._queue.get()
            if item is not _END and not isinstance(item, BaseException):
                return item
            self._ended = item
        if isinstance(self._ended, BaseException):
            error, self._ended = self._ended, _END
            raise error
        return _END

    def stop(self):
        """End the thread; what it prepared is dropped."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.01)
            except queue.Empty:
                self._thread.join(timeout=0.05)
                if self._queue.empty() and self._thread.is_alive():
                    return  # the source itself is waiting; the daemon thread ends with it

    def __del__(self):
        self._stopped.set()


def _prepare(plan, items, stopped):
    def put(item):
        while not stopped.is_set():
            try:
                items.put(item, timeout=0.1)
                return
            except queue.Full:
                continue

    try:
        for element in plan:
            put(_as_batch(element))
            if stopped.is_set():
                return
    except BaseException as error:  # handed to the consumer, which raises it
        put(error)
    put(_END)


def _as_batch(element):
    batch = to_device_dtype(element)
    shapes = [a.shape for a in leaves(batch)]
    if () in shapes:
        raise ValueError(
            "The data set yields single elements, not batches: a part of an element is a scalar. Call .batch(n) on it first."
        )
    if len({shape[0] for shape in shapes}) > 1:
        raise ValueError(
            f"The parts of a batch differ in their number of rows; their shapes are {shapes}. If these are single elements, call "
            ".batch(n) on the data set first."
        )
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


def _row_shapes(batch):
    return tuple(a.shape[1:] for a in leaves(batch))


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
