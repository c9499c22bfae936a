"""Callbacks that write down what happens."""

import csv
import os

from phasewise.training.callbacks.callback import _BATCH_HOOKS, Callback


class History(Callback):
    """What `fit` returns: `.epoch` is a list of epoch numbers, `.history` a dict name -> list of values."""

    def __init__(self):
        self.history, self.epoch = {}, []

    def on_train_begin(self, logs=None):
        """Begin anew."""
        self.history, self.epoch = {}, []

    def on_epoch_end(self, epoch, logs=None):
        """Append the epoch's values."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class LambdaCallback(Callback):
    """Functions as hooks: `LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))`. Any hook can be given."""

    def __init__(self, on_epoch_begin=None, on_epoch_end=None, on_train_begin=None, on_train_end=None,
                 on_train_batch_begin=None, on_train_batch_end=None, **kwargs):
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        self._hooks = {name: function for name, function in given.items() if function is not None}
        for name, function in self._hooks.items():
            if not hasattr(Callback, name):
                raise ValueError(f"LambdaCallback has no hook {name!r}.")
            setattr(self, name, function)

    def wants_batches(self, kind):
        """Whether a per-batch function was given."""
        return any(hook in self._hooks for hook in _BATCH_HOOKS[kind])


class CSVLogger(Callback):
    """Writes a row of values after each epoch.

    Args:
        filename: path.
        separator: str between the values.
        append: whether to go on with a file that exists.
    """

    def __init__(self, filename, separator=",", append=False):
        self.filename, self.separator, self.append = os.fspath(filename), separator, append
        self._file = self._writer = None

    def on_train_begin(self, logs=None):
        """Open the file."""
        going_on = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self._has_header = going_on
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115, closed in on_train_end
        self._writer = None

    def on_epoch_end(self, epoch, logs=None):
        """Write the row; it is on disk when this returns."""
        logs = logs or {}
        if self._writer is None:
            names = ["epoch", *sorted(logs)]
            self._writer = csv.DictWriter(self._file, names, delimiter=self.separator, extrasaction="ignore", restval="NA")
            if not self._has_header:
                self._writer.writeheader()
        self._writer.writerow({"epoch": epoch, **logs})
        self._file.flush()

    def on_train_end(self, logs=None):
        """Close the file."""
        self._file.close()
        self._writer = None
