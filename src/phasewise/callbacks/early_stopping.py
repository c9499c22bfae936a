"""Stop when nothing improves."""

from phasewise.callbacks.callback import Logs
from phasewise.callbacks.metric_monitor import MetricMonitor


class EarlyStopping(MetricMonitor):
    """Ends `fit` when a logged value has not improved for some epochs.

    Args:
        monitor: the name in `logs`.
        min_delta: a smaller change than this is no improvement.
        patience: number of epochs without improvement after which training ends.
        verbose: 1 to print when it ends and which weights are restored.
        mode: "min", "max" or "auto" (by the metric, and by its name where the metric does not say).
        baseline: a value that must be beaten too before the wait starts anew, or None.
        restore_best_weights: go back to the weights of the best epoch when `fit` ends. Where no epoch beats the
            baseline, the best is still the best of those seen.
        start_from_epoch: number of epochs to pass before the watch begins.

    Raises:
        ValueError: at the end of the first epoch, when `mode` is "auto" and nothing tells which way is better.
    """

    kept_in_backup = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.is_improvement(value, self.best):
            self.best = value
            self._keep(epoch)
            if self.baseline is None or self.is_improvement(value, self.baseline):
                self.wait = 0
            return
        if self.restore_best_weights and self.best_weights is None:  # the first value was NaN
            self._keep(epoch)
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep(self, epoch):
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping, no better {self.monitor} for {self.wait} epochs")
        if self.best_weights is None:
            return
        if self.verbose:
            print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
        self.model.set_weights(self.best_weights)
