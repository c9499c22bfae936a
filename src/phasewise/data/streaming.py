"""The streaming executor: batches of any source, prepared by a thread that stays ahead of the device."""

import itertools
import queue
import threading

import jax
import numpy as np

from phasewise.data.feed import Feed, pad_rows, to_device_dtype
from phasewise.data.structure import leaves, map_leaves, stack

FEED_BYTES = 16 << 20
MAX_BATCHES = 64
_END = object()


class Streaming:
    """Runs any plan."""

    def __init__(self, plan):
        self._plan = plan
        self.cardinality = plan.cardinality()
        self._ahead = None
        self._first = None
        self._started = False

    @property
    def element_spec(self):
        """Structure of one batch, the row axis None; the first batch is read for it."""
        return map_leaves(lambda a: _Spec((None, *a.shape[1:]), a.dtype), self._peek())

    def sample(self):
        """The first batch, as host arrays; None when there is none."""
        return self._peek(required=False)

    @staticmethod
    def fetch(arrays, i):
        """Batch `i` of a feed's arrays; pure, called in the compiled loop."""
        return jax.tree.map(lambda a: a[i], arrays["batches"])

    def restart(self):
        """Begin a new pass. A batch that was only looked at is not lost."""
        if self._started:
            self.close()
            self._first, self._started = None, False

    def close(self):
        """Stop the thread."""
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None

    def feeds(self, limit=None):
        """Feeds of the batches as they are, at most `limit`, from where the last call stopped."""
        for rows, group in itertools.groupby(self._taken(limit), key=lambda b: tuple(a.shape for a in leaves(b))):
            yield from _stacked(group, rows[0][0], self._most(limit))

    def padded_feeds(self, limit=None, rows=None, regroup=False):
        """Feeds whose batches all have `rows` rows (default: the first batch's), short ones filled up."""
        batches = self._taken(limit)
        if regroup:
            batches = _regrouped(batches, rows)
        first = next(batches, None)
        if first is None:
            return
        size = rows or len(leaves(first)[0])
        yield from _stacked(
            itertools.chain([first], batches), size, None if regroup else self._most(limit), padded=True
        )

    def _most(self, limit):
        """How many batches a feed holds at most, where that is known beforehand."""
        known = [n for n in (limit, self.cardinality if self.cardinality > 0 else None) if n is not None]
        return min(known) if known else None

    def _taken(self, limit):
        taken = 0
        while limit is None or taken < limit:
            self._started = True
            batch = self._next()
            if batch is _END:
                if limit is None:
                    self.restart()
                return
            taken += 1
            yield batch

    def _peek(self, required=True):
        if self._first is None:
            self._first = self._next()
        if self._first is _END:
            if required:
                raise ValueError("The data hold no rows: not a single batch came.")
            return None
        return self._first

    def _next(self):
        if self._first is not None:
            first, self._first = self._first, None if self._first is not _END else _END
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
    if any(a.ndim == 0 for a in leaves(batch)):
        raise ValueError(
            "The data set yields single elements, not batches: a part of an element is a scalar. Call .batch(n) on it first."
        )
    return batch


class _Spec:
    def __init__(self, shape, dtype):
        self.shape, self.dtype = shape, dtype


def _stacked(batches, rows, most, padded=False):
    """Feeds of stacked batches, all of one capacity."""
    batches, capacity = iter(batches), None
    while True:
        if capacity is None:
            first = next(batches, None)
            if first is None:
                return
            size = max(1, sum(a.nbytes for a in leaves(first)))
            capacity = max(1, min(MAX_BATCHES, FEED_BYTES // size, most or MAX_BATCHES))
            part = [first, *itertools.islice(batches, capacity - 1)]
        else:
            part = list(itertools.islice(batches, capacity))
        if not part:
            return
        steps, valid = len(part), np.zeros(capacity, np.int32)
        valid[:steps] = [len(leaves(b)[0]) for b in part]
        if padded:
            part = [pad_rows(b, rows) for b in part]
        part += part[:1] * (capacity - steps)
        arrays = {"batches": stack(part)}
        if padded:
            arrays["valid"] = valid
        yield Feed(arrays, steps, rows)


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
