"""A thread that stays ahead of the device: it prepares batches into a bounded queue."""

import itertools
import queue
import threading

from phasewise.data.feed import to_device_dtype
from phasewise.data.structure import described, leaves, named_leaves

END = object()


class Ahead:
    """The batches of one pass over a plan, prepared by a thread. It holds no reference to the executor.

    Args:
        plan: whose elements are batches.
        most: how many of them are read, None for all.
    """

    def __init__(self, plan, most=None):
        self._queue = queue.Queue(maxsize=8)
        self._stopped = threading.Event()
        self._ended = None
        arguments = plan, most, self._queue, self._stopped
        self._thread = threading.Thread(target=_prepare, args=arguments, daemon=True)
        self._thread.start()

    def get(self):
        """The next batch, `END`, or the source's own error."""
        if self._ended is None:
            item = self._queue.get()
            if item is not END and not isinstance(item, BaseException):
                return item
            self._ended = item
        if isinstance(self._ended, BaseException):
            error, self._ended = self._ended, END
            raise error
        return END

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


def _prepare(plan, most, items, stopped):
    def put(item):
        while not stopped.is_set():
            try:
                items.put(item, timeout=0.1)
                return
            except queue.Full:
                continue

    try:
        for number, element in enumerate(itertools.islice(plan._stream(), most)):
            put(_as_batch(element, number))
            if stopped.is_set():
                return
    except BaseException as error:  # handed to the consumer, which raises it
        put(error)
    put(END)


def _as_batch(element, number):
    """The element in the dtypes of the device.

    Raises:
        ValueError: it is no batch, or one without rows.
        TypeError: it holds what is no number.
    """
    if isinstance(element, tuple) and not 1 <= len(element) <= 3:
        raise ValueError(
            f"A batch is x, (x, y) or (x, y, sample_weight); batch {number} of the data is {described(element)}."
        )
    if not leaves(element):
        raise ValueError(f"Batch {number} of the data is {described(element)}: there is no array in it.")
    if isinstance(element, tuple) and len(element) == 3 and element[1] is None:
        raise ValueError("`sample_weight` was given without `y`.")
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
    if shapes[0][0] == 0:
        where = ", ".join(f"{name} has shape {a.shape}" for name, a in named_leaves(batch, "data"))
        raise ValueError(
            f"Batch {number} of the data (counted from 0) holds no rows: {where}. Leave empty batches out."
        )
    return batch
