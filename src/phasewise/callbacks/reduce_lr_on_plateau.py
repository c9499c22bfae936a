"""A smaller learning rate when nothing improves."""

from phasewise.callbacks.callback import Logs
from phasewise.callbacks.metric_monitor import MetricMonitor


class ReduceLROnPlateau(MetricMonitor):
    """Multiplies the learning rate by `factor` when a logged value has not improved for some epochs.

    Adds "learning_rate", the rate before any reduction of this epoch, to the logs of every epoch.

    Args:
        monitor: the name in `logs`.
        factor: number below 1.
        patience: number of epochs without improvement after which the rate is reduced.
        verbose: 1 to print each reduction.
        mode: "min", "max" or "auto" (by the metric, and by its name where the metric does not say).
        min_delta: a smaller change than this is no improvement.
        cooldown: number of epochs after a reduction in which none is counted as without improvement.
        min_lr: the rate goes no lower.

    Raises:
        ValueError: `factor` is 1 or more; or, at the end of the first epoch, `mode` is "auto" and nothing tells which
            way is better.
    """

    kept_in_backup = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if factor >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau needs a factor below 1, or the learning rate would not fall; got {factor}."
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self):
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Whether the last reduction is at most `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = self.monitored(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch):
        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        # A rate that is kept in float32 can be a rounding error above min_lr: that is no room for a reduction.
        if rate <= self.min_lr * (1 + 1e-6):
            return
        reduced = max(rate * self.factor, self.min_lr)
        optimizer.learning_rate = reduced
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            print(f"Epoch {epoch + 1}: no better {self.monitor}, learning rate {rate:.4g} -> {reduced:.4g}")
