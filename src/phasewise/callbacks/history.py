"""The record of a run."""

from typing import Any

from phasewise.callbacks.callback import Callback, Logs


class History(Callback):
    """What `fit` returns: the logs of every epoch.

    Attributes:
        history: dict from each logged name to the list of its values, one an epoch.
        epoch: list of the numbers of the epochs, from 0.
    """

    kept_in_backup = ("history", "epoch")

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self
