"""PyDataset: batches made by a person's own code, several at a time if they like."""

import itertools
from collections.abc import Iterator
from typing import Any

from phasewise.core.arguments import check_count, check_flag
from phasewise.core.keywords import Told


class PyDataset(Told):
    """A sequence of batches; a subclass defines `__getitem__(index)` and `__len__()`, or `num_batches`.

    `fit`, `evaluate` and `predict` take it as their data. Each batch comes once a pass, in the same order whatever the number of
    workers; `fit` shuffles the order of the batches unless `shuffle=False`.

    Args:
        workers: how many batches are made at the same time. 0 and 1: one after the other.
        use_multiprocessing: whether workers are processes instead of threads. Each gets a pickled copy of the object at the beginning of
            a pass; what `on_epoch_end` changes it has at the next. Processes are started afresh, for a copy of a process in which
            JAX runs could hang; so a script keeps what it does behind `if __name__ == "__main__":`.
        max_queue_size: how many batches are made ahead at most.

    Raises:
        ValueError: a number out of range.
    """

    workers, use_multiprocessing, max_queue_size = 1, False, 10  # of a subclass that does not call this constructor

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        kind = type(self).__name__
        self.workers = check_count(kind, "workers", workers, least=0)
        self.use_multiprocessing = check_flag(kind, "use_multiprocessing", use_multiprocessing)
        self.max_queue_size = check_count(kind, "max_queue_size", max_queue_size)

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`: x, (x, y) or (x, y, sample_weight). A subclass says which."""
        raise NotImplementedError(
            f"{type(self).__name__} has no __getitem__: define one that returns batch number `index`."
        )

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None is endless. Taken from `__len__` where that is defined."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} has no __len__: define one that returns the number of batches, or a property `num_batches`."
        )

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        return (self[index] for index in (itertools.count() if count is None else range(count)))

    def on_epoch_begin(self) -> None:
        """Called when a pass begins."""

    def on_epoch_end(self) -> None:
        """Called when a pass has ended."""


Sequence = PyDataset
