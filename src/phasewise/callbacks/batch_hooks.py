"""When the hooks of single batches are called: at each, or once for as many as `steps_per_execution` says."""

from typing import Any

from phasewise.callbacks.callback_list import CallbackList


class BatchHooks:
    """The hooks of one kind of run, called where a callback overrides one of them.

    As in Keras, a group of `every` batches has one call before its first batch and one after its last, each with that batch's
    number. Unlike in Keras the last group of an epoch, if it is short, ends with the number of the batch that was the last.

    Args:
        callbacks: a `CallbackList`.
        kind: "train", "test" or "predict".
        every: positive int.

    Attributes:
        wanted: whether a callback overrides one of the hooks.
    """

    def __init__(self, callbacks: CallbackList, kind: str, every: int = 1):
        self.wanted, self._every = getattr(callbacks, f"wants_{kind}_batches"), every
        self._begin = getattr(callbacks, f"on_{kind}_batch_begin")
        self._end = getattr(callbacks, f"on_{kind}_batch_end")

    def begin(self, step: int) -> None:
        """Batch number `step` of the epoch, from 0, comes next."""
        if self.wanted and step % self._every == 0:
            self._begin(step)

    def end(self, step: int, logs: dict[str, Any]) -> None:
        """Batch number `step` was the latest."""
        if self.wanted and (step + 1) % self._every == 0:
            self._end(step, logs)

    def finish(self, seen: int, logs: dict[str, Any]) -> None:
        """The epoch has ended after `seen` batches, perhaps within a group."""
        if self.wanted and seen % self._every:
            self._end(seen - 1, logs)
