"""fit and train_on_batch."""

import dataclasses

import jax
import numpy as np

from phasewise.callbacks import CallbackList, History, LambdaCallback, TerminateOnNaN
from phasewise.callbacks.adapted import Adapted
from phasewise.core.warning import DataEndedWarning, warn
from phasewise.data import adapters, make_executor
from phasewise.data.foreign import is_list_of_batches
from phasewise.training import limits
from phasewise.training.class_weights import ClassWeights
from phasewise.training.customised import reset_metrics
from phasewise.training.evaluating import run_test
from phasewise.training.host_layers import plan_for
from phasewise.training.nonfinite import check_choice
from phasewise.training.preparing import require_data, require_steps
from phasewise.training.progress import make_progress
from phasewise.training.resuming import Backup, Resuming, backup_of
from phasewise.training.run import Run
from phasewise.training.surprises import warn_of_lag
from phasewise.training.writing_behind import written_behind


@dataclasses.dataclass
class Settings:
    """How long `fit` runs and who watches it."""

    epochs: int
    initial_epoch: int
    steps_per_epoch: int | None
    verbose: object
    callbacks: object
    validation_freq: object
    on_nonfinite: str = "raise"

    def __post_init__(self):
        for name in ("epochs", "steps_per_epoch"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1):
                raise ValueError(f"{name} must be a positive integer; got {value!r}.")
        self.epochs = limits.epochs(self.epochs)
        if (
            isinstance(self.initial_epoch, bool)
            or not hasattr(self.initial_epoch, "__index__")
            or self.initial_epoch < 0
        ):
            raise ValueError(f"initial_epoch must be an integer of at least 0; got {self.initial_epoch!r}.")
        each = self.validation_freq
        numbers = list(each) if isinstance(each, list | tuple | set) else [each]
        if any(isinstance(n, bool) or not hasattr(n, "__index__") or n < 1 for n in numbers):
            raise ValueError(
                "validation_freq must be a positive integer (after how many epochs to validate) or a list of epoch numbers from "
                f"1; got {each!r}."
            )
        check_choice(self.on_nonfinite)

    @property
    def steps(self):
        """How many steps the whole run takes at most; None where only the data tell."""
        return self.steps_per_epoch and self.steps_per_epoch * max(0, self.epochs - self.initial_epoch)

    @property
    def validations(self):
        """How many times the run validates, if it is not stopped."""
        return sum(map(self.validates_after, range(self.initial_epoch, self.epochs)))

    def policy(self, callbacks):
        """What to do about NaN and infinity: `TerminateOnNaN` among the callbacks is itself an answer."""
        if self.on_nonfinite == "raise" and any(isinstance(callback, TerminateOnNaN) for callback in callbacks):
            return "ignore"
        return self.on_nonfinite

    def validates_after(self, epoch):
        """Whether validation follows `epoch` (from 0)."""
        if isinstance(self.validation_freq, list | tuple | set):
            return epoch + 1 in self.validation_freq
        return (epoch + 1) % self.validation_freq == 0


class Validation:
    """The data that `fit` validates on; its executor is made once.

    Args:
        model: whose layers on the host take the data.
        data: `(x, y)`, `(x, y, sample_weight)` or a source of batches.
        batch_size: rows of a batch, where the data are arrays.
        steps: batches of each validation, None for all.
        times: how often the run validates.
        hold: whether arrays are copied.
    """

    def __init__(self, model, data, batch_size, steps, times, hold=False):
        if isinstance(data, tuple | list) and not is_list_of_batches(data):
            if not 1 <= len(data) <= 3:
                raise ValueError(
                    f"validation_data is (x, y), (x, y, sample_weight) or a Dataset; got a {type(data).__name__} of "
                    f"{len(data)}."
                )
            plan = plan_for(model, *data, batch_size=batch_size, hold=hold, role="validation")
        else:
            plan = plan_for(model, data, role="validation")
        self.executor = make_executor(plan, most=steps and steps * times)
        self._steps, self.used = steps, 0
        require_steps(self.executor, steps, "validation_steps")

    def run(self, model, callbacks):
        """The logs, their names beginning with "val_"."""
        self.executor.restart()
        callbacks.on_test_begin()
        logs, seen = run_test(model, self.executor, self._steps, callbacks=callbacks)
        self.used += seen
        callbacks.on_test_end(logs)
        return {f"val_{name}": value for name, value in logs.items()}

    def close(self):
        """The run ended, however."""
        self.executor.close(self.used)


def may_write_to_data(callbacks):
    """Whether code of a user's runs at the seams of a run, which might write to the arrays that the run still reads."""
    return bool(callbacks) and any(
        isinstance(callback, LambdaCallback | Adapted) or type(callback).__module__.split(".")[0] != "phasewise"
        for callback in CallbackList(callbacks)
    )


def training_plan(model, x, y, sample_weight, batch_size, shuffle, class_weight, hold=False):
    """The plan that `fit` trains on."""
    weights = None if class_weight is None else ClassWeights(class_weight, model._output_names)
    if weights is not None and adapters.is_arrays(x, y):
        sample_weight, weights = weights.times(y, sample_weight), None
    plan = plan_for(model, x, y, sample_weight, batch_size=batch_size, shuffle=shuffle, hold=hold, role="fit")
    return plan if weights is None else weights.into(plan)


def hold_out(model, x, y, sample_weight, fraction):
    """`(x, y, sample_weight)` to train on and `validation_data`, from the end of the arrays."""
    (x, y, sample_weight), validation = adapters.split(x, y, sample_weight, fraction, strings=model.runs_on_host)
    return x, y, sample_weight, validation


def fit(model, plan, validation, settings):
    """Train. Returns the `History`."""
    executor = make_executor(plan, most=settings.steps)
    history = History()
    callbacks = CallbackList(
        [settings.callbacks, history],
        model=model,
        epochs=settings.epochs,
        steps=settings.steps_per_epoch or (executor.cardinality if executor.cardinality >= 0 else None),
        verbose=settings.verbose,
    )
    require_steps(executor, settings.steps_per_epoch, "steps_per_epoch", callbacks.wants_train_batches)
    callbacks.leave_progress_to_run()
    callbacks.set_will_validate(validation is not None)
    model.stop_training, model.history = False, history
    progress = make_progress(settings.verbose)
    run = Run(model, executor, settings.policy(callbacks), callbacks)
    resuming = _with_backup(run, validation)
    with written_behind(callbacks, executor, *([] if validation is None else [validation.executor])):
        try:
            callbacks.on_train_begin()
            logs = _epochs(run, validation, settings, progress, resuming)
        finally:
            progress.close()
            executor.close(run.steps)
            if validation is not None:
                validation.close()
            run.close()
        _finalize(model, run.optimizers)
        warn_of_lag(run.updated_layers)
        callbacks.on_train_end(logs)
    return history


def _with_backup(run, validation):
    """Let the run write its backups, where a callback asks for them; what it goes on from, or None."""
    callback = backup_of(run.callbacks)
    if callback is None:
        return None
    found = callback.read()
    run.backup = Backup(callback, run, validation)
    return None if found is None else Resuming(found, run)


def _epochs(run, validation, settings, progress, resuming=None):
    """All epochs; the logs of the last one."""
    logs, steps, anew = {}, run.callbacks.params["steps"], settings.steps_per_epoch is None
    first = settings.initial_epoch
    if resuming is not None:
        first, logs = resuming.epoch, resuming.logs
        is_over = resuming.stopped or first >= settings.epochs
        if not is_over:
            resuming.begin(validation, anew=anew)
        resuming.put_back(run.take_up())
        if is_over:
            return logs
    for epoch in range(first, settings.epochs):
        is_within = resuming is not None and epoch == first and resuming.steps > 0
        if epoch > settings.initial_epoch and not is_within and not run.executor.goes_on(anew):
            warn(
                f"The generator was exhausted after epoch {epoch} of {settings.epochs}: it is read once, so `fit` ends here, and what was "
                "learnt is kept. Give data that begin anew (Dataset.from_generator), or steps_per_epoch.",
                DataEndedWarning,
            )
            break
        progress.epoch_begin(epoch, settings.epochs, steps)
        last = _epoch(run, validation, settings, epoch, progress, resuming if is_within else None)
        logs = logs if last is None else last
        if last is None or run.model.stop_training:
            break
    return logs


def _epoch(run, validation, settings, epoch, progress, resuming=None):
    """One epoch, or the rest of one that is `resuming`; the logs, or None when there were no more data."""
    model, callbacks = run.model, run.callbacks
    callbacks.on_epoch_begin(epoch)
    reset_metrics(model)
    made = 0
    if resuming is not None:  # what callbacks do when an epoch begins they had done before
        resuming.put_back(run.take_up())
        made = resuming.steps
    limit = settings.steps_per_epoch
    logs, seen = run.epoch(epoch, limit, progress, made)
    ended_early = limit is not None and seen < limit and not model.stop_training
    if ended_early and not run.told_of_short_data:
        run.told_of_short_data = True
        warn(
            f"The data ended after {seen} of the {limit} steps of epoch {epoch + 1}. What was learnt is kept. Give a plan "
            "that is long enough (`dataset.repeat()`), or a smaller steps_per_epoch.",
            DataEndedWarning,
        )
    if ended_early:
        run.executor.restart()
    if epoch == settings.initial_epoch:
        require_data(seen)
    elif not seen:
        return None
    if validation is not None and settings.validates_after(epoch):
        logs = {**logs, **validation.run(model, callbacks)}
    progress.end(seen, logs)
    callbacks.on_epoch_end(epoch, logs)
    if run.backup is not None:
        run.backup.epoch_done(epoch, logs)
    return logs


def _finalize(model, optimizers):
    for optimizer in optimizers:
        trained = optimizer._known
        for variable, value in zip(trained, optimizer.finalize([v.raw for v in trained], optimizer.state), strict=True):
            variable._value = value
    on_host = [v for v in model._inventory().variables if isinstance(v._value, np.ndarray)]
    for variable, value in zip(on_host, jax.device_put([v._value for v in on_host]), strict=True):
        variable._value = value


def train_on_batch(model, executor):
    """The logs after one step on the one batch of `executor`, filled up where nothing notices."""
    reset_metrics(model)
    run = Run(model, executor, "ignore", task="train_on_batch")
    try:
        found = [logs for feed in run.feeds() for logs, _ in run.feed(feed)]
    except KeyboardInterrupt:  # a step in place goes on, and still reads the caller's arrays
        jax.block_until_ready([v._value for v in model._inventory().variables])
        raise
    require_data(found)
    return found[-1]
