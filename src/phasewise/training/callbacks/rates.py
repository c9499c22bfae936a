"""Callbacks that change the learning rate."""

from phasewise.training.callbacks.callback import Callback
from phasewise.training.callbacks.monitored import Monitored


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: function `(epoch, rate) -> rate`, or of the epoch alone.
        verbose: 1 says what it sets.
    """

    def __init__(self, schedule, verbose=0):
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch, logs=None):
        """Set the rate."""
        rate = float(self.model.optimizer.learning_rate)
        try:
            rate = self.schedule(epoch, rate)
        except TypeError:  # a schedule of the epoch alone, as in Keras
            rate = self.schedule(epoch)
        if not isinstance(rate, int | float) and getattr(rate, "shape", None) != ():
            raise ValueError(f"LearningRateScheduler's schedule must return a number; epoch {epoch} gave {rate!r}.")
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"Epoch {epoch + 1}: the learning rate is {float(rate):.4g}")

    def on_epoch_end(self, epoch, logs=None):
        """Log the rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class ReduceLROnPlateau(Monitored):
    """Multiplies the learning rate by `factor` when the watched value has not improved for `patience` epochs.

    Args:
        monitor, mode, min_delta: what to watch; see `Monitored`.
        factor: below 1.
        patience: epochs without improvement that are let pass.
        cooldown: epochs after a reduction that are not judged.
        min_lr: the rate does not go below it.
        verbose: 1 says when it reduces.
    """

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau's factor must be below 1; got {factor!r}.")
        self.factor, self.patience, self.cooldown, self.min_lr, self.verbose = factor, patience, cooldown, min_lr, verbose
        self.on_train_begin()

    def on_train_begin(self, logs=None):
        """Forget an earlier run."""
        self.best, self.wait, self.cooldown_counter = self.worst, 0, 0

    def on_epoch_end(self, epoch, logs=None):
        """Judge the epoch, and log the rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = self.value_in(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improved(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch):
        old = float(self.model.optimizer.learning_rate)
        if old > self.min_lr:
            new = max(old * self.factor, self.min_lr)
            self.model.optimizer.learning_rate = new
            self.cooldown_counter, self.wait = self.cooldown, 0
            if self.verbose:
                print(f"Epoch {epoch + 1}: the learning rate goes down to {new:.4g}")
