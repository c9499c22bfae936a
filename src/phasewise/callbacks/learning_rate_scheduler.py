"""The learning rate as a function of the epoch."""

import inspect
from collections.abc import Callable

import numpy as np

from phasewise.callbacks.callback import Callback, Logs
from phasewise.core.types import Array


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch. Adds it to the logs of the epoch as "learning_rate".

    Args:
        schedule: `f(epoch, learning_rate) -> number` or `f(epoch) -> number`, where `epoch` counts from 0 and
            `learning_rate` is the present one. A number may be an array of no dimension.
        verbose: 1 to print each epoch's rate.

    Raises:
        TypeError: `schedule` cannot be called.
        ValueError: before an epoch, when `schedule` does not return a number, or the optimizer has no `learning_rate`.
    """

    def __init__(
        self,
        schedule: Callable[[int, float], float | Array] | Callable[[int], float | Array],
        verbose: int = 0,
    ):
        if not callable(schedule):
            raise TypeError(
                "LearningRateScheduler needs a function of (epoch, learning_rate); "
                f"got {schedule!r} of type {type(schedule).__name__}."
            )
        self.schedule = schedule
        self.verbose = verbose
        self._arguments = _argument_count(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        if not hasattr(optimizer, "learning_rate"):
            raise ValueError(
                f"LearningRateScheduler needs an optimizer with a learning_rate; {type(optimizer).__name__} has none."
            )
        present = float(optimizer.learning_rate)
        rate = _number(self.schedule(*(epoch, present)[: self._arguments]), epoch)
        optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {rate:.4g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _argument_count(schedule):
    try:
        signature = inspect.signature(schedule)
    except ValueError:  # some built-in functions have none
        return 2
    try:
        signature.bind(0, 0.0)
    except TypeError:
        return 1
    return 2


def _number(value, epoch):
    array = np.asarray(value)
    if array.ndim or (array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16"):
        raise ValueError(
            f"The schedule of LearningRateScheduler must return a number; for epoch {epoch} it returned {value!r} "
            f"of type {type(value).__name__}."
        )
    return float(array)
