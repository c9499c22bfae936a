"""Callbacks that end a run."""

import math

from phasewise.training.callbacks.callback import Callback
from phasewise.training.callbacks.monitored import Monitored


class EarlyStopping(Monitored):
    """Ends training when the watched value has not improved for `patience` epochs.

    Args:
        monitor, mode, min_delta: what to watch; see `Monitored`.
        patience: epochs without improvement that are let pass.
        verbose: 1 says when it stops.
        baseline: a value that must be bettered for an epoch to count as progress.
        restore_best_weights: whether the model gets the weights of its best epoch back.
        start_from_epoch: epochs before this one are not judged.
    """

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.stopped_epoch = self.best_epoch = self.wait = 0
        self.best = self.best_weights = None

    def on_train_begin(self, logs=None):
        """Forget an earlier run."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch, logs=None):
        """Judge the epoch."""
        value = self.value_in(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.best is None or self.improved(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improved(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Restore the best weights."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch, {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite; looked at after each dispatch, so that steps stay fused."""

    def on_chunk_end(self, step, logs=None):
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Batch {step}: the loss is {loss}, training ends.")
            self.model.stop_training = True
