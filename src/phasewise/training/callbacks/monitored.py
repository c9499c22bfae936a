"""What callbacks that watch one logged value share: its direction, and what to say when it is missing."""

import warnings

import numpy as np

from phasewise import registry
from phasewise.training.callbacks.callback import Callback

_UP = ("acc", "accuracy", "auc", "precision", "recall", "f1", "top_k", "similarity")


class Monitored(Callback):
    """A callback that watches `monitor`.

    Args:
        monitor: name of a logged value.
        mode: "min", "max", or "auto" (by the name: accuracy, AUC, precision and recall go up).
        min_delta: changes smaller than this do not count.
    """

    def __init__(self, monitor, mode, min_delta):
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"{type(self).__name__}'s mode is 'auto', 'min' or 'max'; got {mode!r}.")
        rises = mode == "max" or (mode == "auto" and any(word in monitor for word in _UP) and "loss" not in monitor)
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self._sign = 1 if rises else -1
        self.worst = -np.inf if rises else np.inf

    def improved(self, value, reference):
        """Whether `value` is better than `reference` by more than `min_delta`."""
        return self._sign * value - self.min_delta > self._sign * reference

    def value_in(self, logs):
        """The watched value, or None with a warning that names what there is."""
        logs = logs or {}
        if self.monitor in logs:
            return logs[self.monitor]
        near = registry.nearest(self.monitor, logs)
        hint = f" Did you mean {near!r}?" if near else ""
        warnings.warn(
            f"{type(self).__name__} watches {self.monitor!r}, which is not logged.{hint} There are: {', '.join(logs)}.",
            stacklevel=4,
        )
        return None
