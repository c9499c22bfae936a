"""Batches of a sequence, made by several workers at a time and handed out in order."""

import collections
import concurrent.futures
import itertools
import multiprocessing
import os
import pickle
import tempfile
import traceback
import weakref


def in_order(source, indices, pool, own):
    """`source[i]` for each index, those to come made ahead; an error says at which index it arose.

    Args:
        own: `batch -> batch` that the source does not write to any more, called where the batch was made.
        pool: a `Processes`, or None where threads (`source.workers` of them) or nobody makes batches ahead.
    """
    if pool is None and getattr(source, "workers", 1) < 2:
        for index in indices:
            yield _noted(source, index, own)
        return
    executor = pool or _Threads(source, own)
    submit = executor.begin(source)
    waiting, indices = collections.deque(), iter(indices)
    try:
        while True:
            for index in itertools.islice(indices, max(source.max_queue_size, 1) - len(waiting)):
                waiting.append((index, submit(index)))
            if not waiting:
                return
            batch = executor.result(source, *waiting.popleft())
            yield batch if pool is None else own(batch)
    finally:
        for _, future in waiting:
            future.cancel()
        executor.end()


def processes_of(source):
    """The processes that `source` asks for, else None."""
    if getattr(source, "use_multiprocessing", False) and getattr(source, "workers", 0) > 0:
        return Processes(source.workers)
    return None


def _noted(source, index, own):
    try:
        return own(source[index])
    except Exception as error:
        error.add_note(f"It arose in {type(source).__name__}.__getitem__({index}).")
        raise


class _Threads:
    """Threads for one pass."""

    def __init__(self, source, own):
        self._own = own
        self._executor = concurrent.futures.ThreadPoolExecutor(source.workers, "phasewise-batches")

    def begin(self, source):
        """A function that has batch `index` made."""
        return lambda index: self._executor.submit(_noted, source, index, self._own)

    def result(self, source, index, future):
        """The batch, or its error."""
        return future.result()

    def end(self):
        """The pass is over."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class Processes:
    """Processes that are kept from pass to pass; each reads the source anew when a pass begins with one that has changed.

    Args:
        count: how many.
    """

    def __init__(self, count):
        self._count, self._executor = count, None
        self._path, self._bytes = None, None

    def begin(self, source):
        """A function that has batch `index` made by what `source` is now.

        Raises:
            TypeError: it cannot be pickled.
        """
        try:
            pickled = pickle.dumps(source)
        except Exception as error:
            raise TypeError(
                f"use_multiprocessing hands {type(source).__name__} to other processes, but it cannot be pickled: {error}. Define the "
                "class in a module, open files in __getitem__, or leave use_multiprocessing away: workers are threads then."
            ) from error
        if self._executor is None:
            spawning = multiprocessing.get_context("spawn")
            self._executor = concurrent.futures.ProcessPoolExecutor(self._count, spawning)
            weakref.finalize(self, self._executor.shutdown, wait=False, cancel_futures=True)
        if pickled != self._bytes:
            self._bytes, self._path = pickled, _written(self, pickled)
        return lambda index, path=self._path: self._executor.submit(_made, path, index)

    def result(self, source, index, future):
        """The batch, or its error with the traceback of the process."""
        try:
            batch, error, story = future.result()
        except concurrent.futures.process.BrokenProcessPool as broken:
            self._executor = None
            raise RuntimeError(
                f"A process that makes batches of {type(source).__name__} died before batch {index} came. If the class is defined in "
                'the script itself, everything that the script does must stand behind `if __name__ == "__main__":`; else look whether '
                "memory ran out. workers without use_multiprocessing are threads and need none of this."
            ) from broken
        if error is None:
            return batch
        error.add_note(f"It arose in {type(source).__name__}.__getitem__({index}), in a process of its own:\n{story}")
        raise error

    def end(self):
        """The pass is over; the processes wait for the next."""


def _written(owner, pickled):
    """A file that holds `pickled` as long as `owner` lives."""
    handle, path = tempfile.mkstemp(prefix="phasewise-", suffix=".pickle")
    with os.fdopen(handle, "wb") as file:
        file.write(pickled)
    weakref.finalize(owner, _removed, path)
    return path


def _removed(path):
    if os.path.exists(path):
        os.remove(path)


_held = {}  # in a worker: the source of the present pass, by its file


def _made(path, index):
    """In a worker: (batch, None, None), or (None, error, traceback as text)."""
    try:
        if path not in _held:
            with open(path, "rb") as file:
                source = pickle.load(file)  # written by the process that started this one
            _held.clear()
            _held[path] = source
        return _held[path][index], None, None
    except Exception as error:
        story = traceback.format_exc()
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # an error that only its own process can hold
            error = RuntimeError(f"{type(error).__name__}: {error}")
        error.__traceback__ = None
        return None, error, story
