"""fit and train_on_batch."""

import dataclasses

import jax
import numpy as np

from phasewise.data import adapters, make_executor
from phasewise.training.callbacks import CallbackList, History
from phasewise.training.evaluating import run_test
from phasewise.training.loop import Chunks, UpdateProgram
from phasewise.training.preparing import prepare_feed, require_data, require_steps
from phasewise.training.programs import program
from phasewise.training.progress import make_progress
from phasewise.training.state import Cells
from phasewise.training.step import logs_of, train_step
from phasewise.training.surprises import warn_of_small_batches
from phasewise.warning import DataEndedWarning, warn


@dataclasses.dataclass
class Settings:
    """How long `fit` runs and who watches it."""

    epochs: int
    initial_epoch: int
    steps_per_epoch: int | None
    verbose: object
    callbacks: object
    validation_freq: object

    def __post_init__(self):
        for name in ("epochs", "steps_per_epoch"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1):
                raise ValueError(f"{name} must be a positive integer; got {value!r}.")

    def validates_after(self, epoch):
        """Whether validation follows `epoch` (from 0)."""
        if isinstance(self.validation_freq, list | tuple | set):
            return epoch + 1 in self.validation_freq
        return (epoch + 1) % self.validation_freq == 0


class Validation:
    """The data that `fit` validates on; its executor is made once."""

    def __init__(self, data, batch_size, steps):
        if isinstance(data, tuple | list):
            if not 1 <= len(data) <= 3:
                raise ValueError(
                    f"validation_data is (x, y), (x, y, sample_weight) or a Dataset; got a {type(data).__name__} of "
                    f"{len(data)}."
                )
            plan = adapters.as_plan(*data, batch_size=batch_size, role="validation")
        else:
            plan = adapters.as_plan(data, role="validation")
        self._executor = make_executor(plan)
        self._steps = steps
        require_steps(self._executor, steps, "validation_steps")

    def run(self, model, callbacks):
        """The logs, their names beginning with "val_"."""
        self._executor.restart()
        callbacks.on_test_begin()
        logs, _ = run_test(model, self._executor, self._steps, callbacks=callbacks)
        callbacks.on_test_end(logs)
        return {f"val_{name}": value for name, value in logs.items()}


def training_plan(x, y, sample_weight, batch_size, shuffle, class_weight):
    """The plan that `fit` trains on."""
    if class_weight is not None and adapters.is_arrays(x):
        sample_weight, class_weight = adapters.class_weights(y, class_weight, sample_weight), None
    plan = adapters.as_plan(x, y, sample_weight, batch_size=batch_size, shuffle=shuffle, role="fit")
    return plan if class_weight is None else adapters.with_class_weight(plan, class_weight)


def hold_out(x, y, sample_weight, fraction):
    """`(x, y, sample_weight)` to train on and `validation_data`, from the end of the arrays."""
    (x, y, sample_weight), validation = adapters.split(x, y, sample_weight, fraction)
    return x, y, sample_weight, validation


def one_batch(x, y=None, sample_weight=None, class_weight=None):
    """A plan of the one batch that the arrays are."""
    rows = max(1, len(jax.tree.leaves(x)[0])) if jax.tree.leaves(x) else 1
    return training_plan(x, y, sample_weight, rows, False, class_weight)


def fit(model, plan, validation, settings):
    """Train. Returns the `History`."""
    executor = make_executor(plan)
    require_steps(executor, settings.steps_per_epoch, "steps_per_epoch")
    steps = settings.steps_per_epoch or (executor.cardinality if executor.cardinality >= 0 else None)
    history = History()
    callbacks = CallbackList(
        [settings.callbacks, history],
        model=model,
        epochs=settings.epochs,
        steps=steps,
        verbose=settings.verbose,
    )
    model.stop_training, model.history = False, history
    progress = make_progress(settings.verbose)
    logs = {}
    callbacks.on_train_begin()
    try:
        for epoch in range(settings.initial_epoch, settings.epochs):
            progress.epoch_begin(epoch, settings.epochs, steps)
            logs = _epoch(model, executor, validation, settings, epoch, callbacks, progress)
            if logs is None or model.stop_training:
                break
    finally:
        progress.close()
        executor.close()
    _finalize(model)
    callbacks.on_train_end(logs)
    return history


def _epoch(model, executor, validation, settings, epoch, callbacks, progress):
    """One epoch; the logs, or None when there were no more data."""
    callbacks.on_epoch_begin(epoch)
    model.objective.reset()
    limit = settings.steps_per_epoch
    if limit is None and epoch > settings.initial_epoch:
        executor.restart()
    logs, seen = _train(model, executor, limit, callbacks, progress)
    if limit is not None and seen < limit and not model.stop_training:
        warn(
            f"The data ended after {seen} of the {limit} steps of epoch {epoch + 1}. What was learnt is kept. Give a plan "
            "that is long enough (`dataset.repeat()`), or a smaller steps_per_epoch.",
            DataEndedWarning,
        )
        executor.restart()
    if epoch == settings.initial_epoch:
        require_data(seen)
    elif not seen:
        return None
    if validation is not None and settings.validates_after(epoch):
        logs = {**logs, **validation.run(model, callbacks)}
    progress.end(seen, logs)
    callbacks.on_epoch_end(epoch, logs)
    return logs


def _train(model, executor, limit, callbacks, progress):
    """The steps of one epoch. Returns (logs, number of steps)."""
    fixed = (
        1 if callbacks.wants_train_batches else (model.steps_per_execution if model.steps_per_execution > 1 else None)
    )
    chunks = Chunks(fixed) if fixed else None
    logs, seen = {}, 0
    for feed in executor.feeds(limit):
        for logs, count in _run_feed(model, executor, feed, "fit", chunks, callbacks, seen, progress.running):
            seen += count
            progress.update(seen, logs)
        if model.stop_training:
            break
    return logs, seen


def _run_feed(model, executor, feed, task, chunks=None, callbacks=None, seen=0, on_compiled=lambda: None):
    """Train on one feed; yields (logs, steps) after each chunk, the model updated."""
    loop = _program(model, executor, feed, task)
    each = callbacks is not None and callbacks.wants_train_batches
    end = seen + feed.steps
    if each:
        callbacks.on_train_batch_begin(seen)
    cells = Cells(model, training=True, metrics=True)
    state = cells.gather()
    loop.compile(state, feed)
    on_compiled()
    running = loop.run(state, feed, chunks)
    item = next(running, None)
    while item is not None:
        state, logs, count = item
        cells.restore(state)
        seen += count
        if callbacks is not None:
            callbacks.on_chunk_end(seen - 1, logs)
        if each:
            callbacks.on_train_batch_end(seen - 1, logs)
        yield logs, count
        if model.stop_training:
            return
        if each and seen < end:
            callbacks.on_train_batch_begin(seen)
        try:
            item = running.send(cells.gather())
        except StopIteration:
            return


def _program(model, executor, feed, task):
    calls = prepare_feed(model, executor, feed, task)
    warn_of_small_batches(calls, feed.rows)
    if not (model.objective.has_loss or calls.adds_losses):
        raise ValueError(
            f"`{task}` has nothing to minimize: model.compile(...) of {model.name!r} was given no loss, and no layer adds "
            "one. Pass loss=."
        )
    prepare_optimizer(model)
    return program(
        model,
        task,
        executor.fetch,
        lambda: UpdateProgram(
            train_step(model, model.objective, model.optimizer, task),
            executor.fetch,
            lambda metrics: logs_of(model.objective, metrics),
            lambda: model.objective.names,
            model.count_params(),
        ),
    )


def prepare_optimizer(model):
    """Make the optimizer's state for the variables that are trainable now; slots of those it knew are kept."""
    model.optimizer.prepare(model.trainable_variables)


def _finalize(model):
    trained = model.trainable_variables
    values = model.optimizer.finalize([v.raw for v in trained], model.optimizer.state)
    for variable, value in zip(trained, values, strict=True):
        variable._value = value


def train_on_batch(model, plan):
    """The logs after one step on the one batch of `plan`."""
    executor = make_executor(plan)
    model.objective.reset()
    found = [logs for feed in executor.feeds() for logs, _ in _run_feed(model, executor, feed, "train_on_batch")]
    require_data(found)
    return found[-1]
