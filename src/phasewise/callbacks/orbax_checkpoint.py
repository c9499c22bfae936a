"""Checkpoints in Orbax's format."""

import os

import jax
import numpy as np

from phasewise.callbacks.callback import Logs
from phasewise.callbacks.metric_monitor import MetricMonitor
from phasewise.callbacks.saving_frequency import EveryBatches, check_frequency


class OrbaxCheckpoint(MetricMonitor):
    """Saves checkpoints with the package `orbax-checkpoint` (`pip install phasewise[orbax]`).

    What is saved is a tree of arrays, "weights" by their place in the model, and unless `save_weights_only` "optimizer"; its step is the
    number of the epoch, or of all batches so far.

    Args:
        directory: folder of the checkpoints, for them alone.
        monitor, mode, save_best_only, initial_value_threshold: as for `ModelCheckpoint`.
        verbose: 1 to print what is saved.
        save_freq: "epoch", or a positive int: after so many batches.
        max_to_keep: positive int: of the latest checkpoints so many stay; None for all.
        save_on_background: let the writing go on beside the training; it has ended when `fit` has.
        save_weights_only: leave out what the optimizer keeps.

    Raises:
        ImportError: orbax-checkpoint is not installed.
        ValueError: another `save_freq`.
    """

    kept_in_backup = ("best",)

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ):
        super().__init__(monitor, mode, 0.0)
        try:
            import orbax.checkpoint as orbax
        except ImportError as error:
            raise ImportError(
                "OrbaxCheckpoint needs the package orbax-checkpoint, which is not installed: pip install phasewise[orbax]."
            ) from error
        self.directory = os.path.abspath(os.fspath(directory))
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_freq = check_frequency("OrbaxCheckpoint", save_freq)
        self.max_to_keep = max_to_keep
        self.save_on_background = save_on_background
        self.save_weights_only = save_weights_only
        self.best = initial_value_threshold
        options = orbax.CheckpointManagerOptions(
            max_to_keep=max_to_keep, enable_async_checkpointing=save_on_background, create=True
        )
        self._orbax, self._manager = orbax, orbax.CheckpointManager(self.directory, options=options)
        self._batches = None
        if save_freq != "epoch":
            self._batches = EveryBatches(save_freq)
            self.on_train_batch_end = self._after_batch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def _after_batch(self, batch, logs=None):
        if self._batches.is_due(batch):
            self._save(int(self.model.optimizer.iterations), logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.wait_until_finished()

    def wait_until_finished(self) -> None:
        """Return when all checkpoints are on the disk."""
        self._manager.wait_until_finished()

    def _save(self, step, logs):
        if self.save_best_only:
            value = self.monitored(logs)
            if value is not None and not self.is_improvement(value, self.best):
                return
            self.best = value if value is not None else self.best
        state = {"weights": {str(number): v.numpy() for number, v in enumerate(self.model.weights)}}
        if not self.save_weights_only:
            leaves = jax.tree.leaves(self.model.optimizer.state)
            state["optimizer"] = {str(number): np.array(leaf) for number, leaf in enumerate(leaves)}
        self._manager.save(step, args=self._orbax.args.StandardSave(state), force=True)
        if self.verbose:
            print(f"\nsaved step {step} to {self.directory}")
