"""Logs, weights, graph and profile for TensorBoard."""

import os
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from phasewise.callbacks.callback import Callback, Logs
from phasewise.callbacks.event_log import EventLog
from phasewise.callbacks.saving_frequency import check_frequency


class TensorBoard(Callback):
    """Writes events that TensorBoard shows, with the package `tensorboard` (`pip install phasewise[tensorboard]`).

    In `log_dir/train` stand "epoch_loss" and the like, in `log_dir/validation` those of validation, and "evaluation_loss_vs_iterations" of
    `evaluate`.

    Args:
        log_dir: folder.
        histogram_freq: int: after every so many epochs a histogram of every weight, moving statistics of normalization layers among them,
            under its path; 0 for none.
        write_graph: write the graph of layers.
        write_images: with each histogram, weights as pictures too.
        write_steps_per_second: log the speed.
        update_freq: "epoch"; "batch" or a positive int n: also "batch_loss" and the like after every n-th batch, for which the loop stops at
            each.
        profile_batch: int, or pair of ints: the batch, or first and last batch (from 1), over which JAX's profiler runs; 0 for none.
        embeddings_freq: int: after every so many epochs the weights are saved for the projector; 0 for none.
        embeddings_metadata: path of a file of labels, or a dict of them by layer name, or None.

    Raises:
        ImportError: tensorboard is not installed.
        ValueError: another `update_freq` or `profile_batch`.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int | Sequence[int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | dict[str, str] | None = None,
    ):
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else check_frequency("TensorBoard", update_freq)
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._profiled = _profiled(profile_batch)
        self._logs, self._batch, self._is_profiling, self._is_fitting = {}, 0, False, False
        self._begun = self._steps_at_begin = 0
        if self.update_freq != "epoch" or self._profiled:
            self.on_train_batch_begin, self.on_train_batch_end = self._before_batch, self._after_batch

    def _log(self, name):
        if name not in self._logs:
            self._logs[name] = EventLog(os.path.join(self.log_dir, name))
        return self._logs[name]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._is_fitting, self._batch = True, 0
        self._log("train")
        if self.write_graph:
            self._log("train").graph(_nodes(self.model))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._begun, self._steps_at_begin = time.perf_counter(), int(self.model.steps_trained)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = dict(logs or {})
        logs.setdefault("learning_rate", _rate(self.model.optimizer))
        if self.write_steps_per_second:
            steps = int(self.model.steps_trained) - self._steps_at_begin
            logs["steps_per_second"] = steps / (time.perf_counter() - self._begun)
        for name, value in logs.items():
            if value is not None and np.ndim(value) == 0:
                folder = "validation" if name.startswith("val_") else "train"
                self._log(folder).scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self.model.save_weights(os.path.join(self.log_dir, f"keras_embedding.ckpt-{epoch}.weights.h5"))
            self._write_projector()
        for each in self._logs.values():
            each.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.model.optimizer is None or not getattr(self.model.optimizer, "built", False):
            return
        for name, value in (logs or {}).items():
            if np.ndim(value) == 0:
                step = int(self.model.optimizer.iterations)
                self._log("validation").scalar(f"evaluation_{name}_vs_iterations", value, step)
        self._log("validation").flush()
        if not self._is_fitting:
            self._close()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._stop_profile()
        self._is_fitting = False
        self._close()

    def _close(self):
        for each in self._logs.values():
            each.close()
        self._logs = {}

    def _before_batch(self, batch, logs=None):
        if self._profiled and self._batch + 1 == self._profiled[0]:
            jax.profiler.start_trace(self.log_dir)
            self._is_profiling = True

    def _after_batch(self, batch, logs=None):
        self._batch += 1
        if self._profiled and self._batch >= self._profiled[1]:
            self._stop_profile()
        if self.update_freq != "epoch" and batch % self.update_freq == 0:
            for name, value in (logs or {}).items():
                if np.ndim(value) == 0:
                    self._log("train").scalar(f"batch_{name}", value, self._batch - 1)

    def _stop_profile(self):
        if self._is_profiling:
            self._is_profiling = False
            jax.profiler.stop_trace()

    def _write_weights(self, epoch):
        for weight in self.model.weights:
            values = weight.numpy().astype(np.float32)
            self._log("train").histogram(f"{weight.path}/histogram", values, epoch)
            if self.write_images and 1 <= values.ndim <= 2:
                span = float(np.ptp(values)) or 1.0
                pixels = np.atleast_2d((values - values.min()) / span * 255)
                self._log("train").image(f"{weight.path}/image", pixels, epoch)

    def _write_projector(self):
        labels = self.embeddings_metadata
        entries = []
        for layer in self.model.layers:
            if type(layer).__name__ == "Embedding":
                path = labels.get(layer.name) if isinstance(labels, dict) else labels
                tail = f'  metadata_path: "{path}"\n' if path else ""
                entries.append(f'embeddings {{\n  tensor_name: "{layer.name}/embeddings"\n{tail}}}\n')
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w", encoding="utf-8") as file:
            file.write("".join(entries))


def _profiled(value: Any):
    """(first, last) batch, from 1; None for none."""
    pair = [value, value] if hasattr(value, "__index__") else list(value)
    if len(pair) != 2 or not all(hasattr(n, "__index__") for n in pair) or pair[0] < 0 or pair[1] < pair[0]:
        raise ValueError(f"profile_batch is a batch number or (first, last), from 1, or 0 for none; got {value!r}.")
    return None if pair[1] == 0 else (max(1, pair[0]), pair[1])


def _rate(optimizer):
    try:
        return float(optimizer.learning_rate)
    except (AttributeError, TypeError):
        return None


def _nodes(model):
    """(name, class, names of the layers before it) of the layers of a model; of a graph as it is connected, else one after the other."""
    before = None
    for layer in model.layers:
        yield layer.name, type(layer).__name__, _inputs_of(layer) or ([before] if before else [])
        before = layer.name


def _inputs_of(layer):
    """Names of the layers that made what the layer's first call in a graph was given."""
    found = []
    for args, _ in layer._nodes[:1]:
        for tensor in jax.tree.leaves(args):
            node = getattr(tensor, "node", None)
            made_by = getattr(tensor, "input_layer", None) if node is None else node.operation
            if hasattr(made_by, "name"):
                found.append(made_by.name)
    return found
