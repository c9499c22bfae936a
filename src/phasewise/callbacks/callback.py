"""The hooks that a callback can override."""

from typing import Any, TypeAlias

from phasewise.core.pickling import Portable

Logs: TypeAlias = dict[str, Any]
"""Losses and metrics by name: Python floats, and arrays from metrics that have several values."""


def raised_in(hook: str, callback: Any) -> str:
    """The note of an error that a hook of a callback has raised."""
    return f"Raised in {hook} of the callback {callback.spoken_of or type(callback).__name__}; the model keeps what it has learnt."


class Callback(Portable):
    """What runs at the seams of `fit`, `evaluate` and `predict`: subclass it and override the hooks you need.

    `logs` is a dict from the names of losses and metrics to Python floats. All callbacks of a run get the same dict at
    the same hook, in the order in which they were given, so that one can add an entry for those after it.

    A hook of single batches (`on_train_batch_end` and the like) makes the loop step batch by batch. Where only some of
    them matter, as for a check or a clock, `on_chunk_end` leaves the loop its speed.

    Attributes:
        model: the model of the run. Set `model.stop_training = True` to end `fit` after the current batch or chunk;
            `stop_evaluating` and `stop_predicting` likewise end `evaluate` and `predict`.
        params: dict with "epochs", "steps" (in an epoch, None where unknown) and "verbose".
        kept_in_backup: names of attributes that `BackupAndRestore` keeps, so that this callback goes on in a resumed run as if it had never
            stopped: numbers, strings, arrays, None, and lists and dicts of them. Name yours. Ours, not Keras's.
        will_validate: whether this `fit` validates after some of its epochs; None where that is not known. Ours, not Keras's.
    """

    kept_in_backup: tuple[str, ...] = ()
    params: dict[str, Any] | None = None
    will_validate: bool | None = None
    _model = None

    @property
    def model(self) -> Any:
        """The model of the run, None before it."""
        return self._model

    def set_model(self, model: Any) -> None:
        """Called once, before the first hook."""
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called once, before the first hook."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called before the first epoch of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called after the last epoch of `fit` with its logs; not after an error or Ctrl-C."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before epoch number `epoch`, which counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after epoch number `epoch`; `logs` has the validation's results as "val_..." too, where there was one."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The old name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The old name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before batch number `batch` of an epoch, which counts from 0."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after batch number `batch`; `logs` are the means over the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_chunk_end(self, step: int, logs: Logs | None = None) -> None:
        """Called in `fit` after each chunk of batches that ran in one dispatch. Ours, not in Keras.

        Unlike a hook of single batches it costs no speed: the loop chooses the chunks, one about every 0.15 seconds.

        Args:
            step: number of the chunk's last batch in the epoch, from 0.
            logs: the means over the epoch so far, which the chunk's every batch is part of.
        """

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called before `evaluate`, and before each validation of `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called after `evaluate` and after each validation, with the results."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before batch number `batch` of `evaluate` or a validation, from 0."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after batch number `batch`; `logs` are the means so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called before `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called after `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before batch number `batch` of `predict`, from 0.

        Unlike Keras's, the batches are those that run (32 rows each, whatever `batch_size` says, unless a layer
        normalizes with the batch), and `logs` has no outputs.
        """

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after batch number `batch` of `predict`."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))
