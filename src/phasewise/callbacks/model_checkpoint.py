"""Saving the model while it learns."""

import os
import re
from typing import Any

import numpy as np

from phasewise.callbacks.callback import Logs, raised_in
from phasewise.callbacks.metric_monitor import MetricMonitor
from phasewise.callbacks.saving_frequency import EveryBatches, check_frequency
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files.atomic_file import check_writable


class ModelCheckpoint(MetricMonitor):
    """Saves the model or its weights after every epoch, after so many batches, or whenever a logged value is the best so far.

    A file is written aside and then put in its place, so a crash or a full disk leaves the last one whole. Whether the folder takes files
    is found out before training starts. Small files of weights are written while `fit` goes on, if nobody can look at them meanwhile: the
    data are arrays, and no callback runs code of yours; whole models are written while it waits. However `fit` ends, all files are there
    then; of those for one path, the latest.

    Args:
        filepath: path, which may have `{epoch:02d}`, `{batch:02d}` (both from 1) and logged names, as `{val_loss:.2f}`. It ends in
            `.weights.h5` with `save_weights_only`, else in `.keras`.
        monitor: the name in `logs` that `save_best_only` goes by. Where it is not there a warning lists what is, and the model is saved;
            not so after an epoch without validation of a run that validates after others (Keras saves that one as the best).
        verbose: 1 to print what is saved.
        save_best_only: save only where `monitor` is better than ever before.
        save_weights_only: save by `model.save_weights`, else by `model.save`: the whole model, with where training stands.
        mode: "min", "max" or "auto" (by the metric, and by its name where the metric does not say).
        save_freq: "epoch", or a positive int: after so many batches, counted over the borders of epochs.
        initial_value_threshold: a value that must be beaten by the first that is saved, or None.

    Raises:
        ValueError: `filepath` has another ending, `save_freq` is neither; at the first save, a name in `filepath` that is not logged.
        ValueError, NotImplementedError: before training, the model cannot be saved whole, because something in it cannot be described.
        OSError: before training, the folder takes no file; later, the disk is full. The message names the path.
    """

    kept_in_backup = ("best", "batches_place")
    behind = None  # what writes the files while `fit` goes on, where `fit` gives it

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode, 0.0)
        self.filepath = os.fspath(filepath)
        self.best = initial_value_threshold
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = check_frequency("ModelCheckpoint", save_freq)
        _check_ending(self.filepath, save_weights_only)
        self._epoch = 0
        self._batches = None
        if save_freq != "epoch":
            self._batches = EveryBatches(save_freq)
            self.on_train_batch_end = self._after_batch  # only now does the loop stop at every batch

    @property
    def batches_place(self) -> list[int | None] | None:
        """Where the count of batches stands, for a backup."""
        return self._batches and self._batches.place

    @batches_place.setter
    def batches_place(self, place: list[int | None] | None) -> None:
        if self._batches is not None and place is not None:
            self._batches.go_to(place)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if not self.save_weights_only:
            self.model._check_can_be_saved()
        check_writable(_probe(self.filepath))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save_where_due(epoch, None, logs or {})

    def _after_batch(self, batch, logs=None):
        if self._batches.is_due(batch):
            self._save_where_due(self._epoch, batch, logs or {})

    def _save_where_due(self, epoch, batch, logs):
        if self.save_best_only and not self._is_best(epoch, batch, logs):
            return
        path = self._path(epoch, batch, logs)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: saving model to {path}")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if not self.save_weights_only:
            self.model.save(path, overwrite=True)
        elif self.behind is None:
            self.model.save_weights(path, overwrite=True)
        else:
            hook = "on_epoch_end" if batch is None else "on_train_batch_end"
            self.model._save_weights_behind(path, self.behind, raised_in(hook, self))

    def _is_best(self, epoch, batch, logs):
        validates_later = batch is None and self.will_validate and self.monitor.startswith("val_")
        if self.monitor not in logs and validates_later and not any(name.startswith("val_") for name in logs):
            return False
        value = self.monitored(logs)
        if value is None:
            return True
        if np.ndim(value):
            warn(
                f"ModelCheckpoint monitors {self.monitor!r}, which has several values: which is best cannot be told, so each is saved.",
                PhasewiseWarning,
            )
            return True
        is_best = self.is_improvement(value, self.best)
        if self.verbose:
            before = "nothing" if self.best is None else f"{self.best:.5f}"
            print(
                f"\nEpoch {epoch + 1}: {self.monitor} {'improved' if is_best else 'did not improve'} from {before}: {value:.5f}"
            )
        if is_best:
            self.best = value
        return is_best

    def _path(self, epoch, batch, logs):
        names: dict[str, Any] = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **logs}
        try:
            return self.filepath.format(**names)
        except KeyError as error:
            raise ValueError(
                f"ModelCheckpoint's filepath {self.filepath!r} has {error.args[0]!r}, which is not there. There are: {', '.join(names)}."
            ) from error


def _check_ending(path, weights_only):
    if weights_only and not path.endswith(".weights.h5"):
        raise ValueError(
            f"With save_weights_only=True the filepath of ModelCheckpoint ends in '.weights.h5'; got {path!r}."
        )
    if not weights_only and not path.endswith(".keras"):
        raise ValueError(
            f"The filepath of ModelCheckpoint ends in '.keras'; got {path!r}. (Weights alone, with save_weights_only=True, go to a file that "
            "ends in '.weights.h5'.)"
        )


def _probe(path):
    """A path in the first folder that is known before anything is logged."""
    known = path.partition("{")[0]
    return path if known == path else os.path.join(os.path.dirname(known), re.sub(r"\W", "_", os.path.basename(path)))
