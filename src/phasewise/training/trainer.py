"""compile, fit, evaluate and predict: Keras's methods, over the compiled loop."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from phasewise import optimizers
from phasewise.callbacks import Callback, History
from phasewise.core.arguments import check_count
from phasewise.core.types import Named, Nest
from phasewise.data.adapters import as_plan
from phasewise.metrics import Metric
from phasewise.switch.statistics_policy import ByLayer, Policy
from phasewise.training import evaluating, fitting, predicting
from phasewise.training.objective import Objective
from phasewise.training.preparing import require_compiled

PerOutput: TypeAlias = Named | Sequence[Any]
"""One, or a list or dict of one or several for each output."""

Callbacks: TypeAlias = Callback | Sequence[Any] | None
"""A callback, or a list of them; lists may be nested."""

Statistics: TypeAlias = Policy | ByLayer | dict[str, Any] | None
"""A policy for all normalization layers, or a dict of them by layer name; None for the one in force."""

Results: TypeAlias = float | list[float] | dict[str, float]
"""The loss alone, loss and metrics in order, or both by name."""


class Trainer:
    """The methods that train a model and run it over data."""

    optimizer = None
    objective = None
    stop_training = False
    history = None
    steps_trained = 0
    steps_per_execution = 1

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: PerOutput = None,
        loss_weights: Sequence[float] | Mapping[str, float] | None = None,
        metrics: PerOutput = None,
        weighted_metrics: PerOutput = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is trained.

        Args:
            optimizer: name, optimizer object, or any optax transformation.
            loss: name, object or function `(y_true, y_pred)`; a list or dict of them for several outputs.
            loss_weights: float for each output, as list or dict.
            metrics, weighted_metrics: list of names, objects or functions; per output as list or dict. The latter take
                `sample_weight` into account.
            steps_per_execution: positive int. Steps are fused by how long they take, so this only sets a fixed number
                when it is above 1; results do not depend on it. The hooks of single batches are called once for so many.
            run_eagerly, jit_compile, auto_scale_loss: accepted for Keras's sake; every step is compiled.

        Raises:
            ValueError: an unknown name; the message gives the near match.
        """
        steps_per_execution = check_count("compile", "steps_per_execution", steps_per_execution)
        self.optimizer = optimizers.get(optimizer)
        self.objective = Objective(loss, metrics, loss_weights, weighted_metrics)
        self.steps_per_execution = steps_per_execution
        self.programs.clear()

    def fit(
        self,
        x: Any = None,
        y: Nest = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callbacks = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Nest = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        *,
        on_nonfinite: str = "raise",
    ) -> History:
        """Train for a number of epochs.

        Args:
            x: arrays (also dicts, lists, tuples of them), a `Dataset`, a generator, or any other source of batches.
            y: labels, when `x` is arrays.
            batch_size: rows a step, 32 by default; only with arrays.
            epochs: index of the epoch to stop before; `initial_epoch` is the first.
            verbose: "auto" or 1 shows progress, 2 a line an epoch, 0 nothing.
            callbacks: list of `phasewise.callbacks.Callback`.
            validation_split: fraction in [0, 1) of the arrays, from their end, to hold out.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or a `Dataset`.
            shuffle: whether arrays are put in a new order every epoch.
            class_weight: dict of class -> weight.
            sample_weight: weight of each row.
            steps_per_epoch: steps in an epoch; needed for an endless plan.
            validation_steps, validation_batch_size: likewise for validation.
            validation_freq: int, or list of epoch numbers (from 1) after which to validate.
            on_nonfinite: what to do when a loss, gradient or weight becomes NaN or infinite: "raise" an error that names the
                layer and the rows, "skip" the step and count it in the logs as "skipped", or "ignore" it. A `TerminateOnNaN`
                among the callbacks takes the place of "raise". Ours, not Keras's.

        Returns:
            `History`: `.history` has a list of values, one an epoch, for every logged name.

        Raises:
            NonFiniteError: see `on_nonfinite`.

        Whatever ends the run (Ctrl-C, an error, a callback), the model holds the last good state.
        """
        require_compiled(self, "fit", optimizer=True)
        if validation_split and validation_data is None:
            x, y, sample_weight, validation_data = fitting.hold_out(x, y, sample_weight, validation_split)
        settings = fitting.Settings(
            epochs=epochs,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            verbose=verbose,
            callbacks=callbacks,
            validation_freq=validation_freq,
            on_nonfinite=on_nonfinite,
        )
        plan = fitting.training_plan(x, y, sample_weight, batch_size, shuffle, class_weight)
        validation = None
        if validation_data is not None:
            validation = fitting.Validation(validation_data, validation_batch_size or batch_size, validation_steps)
        return fitting.fit(self, plan, validation, settings)

    def evaluate(
        self,
        x: Any = None,
        y: Nest = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Nest = None,
        steps: int | None = None,
        callbacks: Callbacks = None,
        return_dict: bool = False,
        *,
        statistics: Statistics = None,
    ) -> Results:
        """Loss and metrics over data, in inference unless something stronger says otherwise.

        Args:
            x, y, sample_weight, batch_size, verbose, callbacks: as in `fit`.
            steps: how many batches to take.
            return_dict: a dict by name instead of a list.
            statistics: what normalization layers in inference normalize with: "moving", "batch", `phasewise.blend(n)`, or a
                dict of these by layer name. Ours, not Keras's.

        Returns:
            The loss alone where there are no metrics, else a list in the order of `metrics_names`, or a dict.
        """
        require_compiled(self, "evaluate")
        plan = as_plan(x, y, sample_weight, batch_size=batch_size, role="evaluate")
        logs = evaluating.evaluate(self, plan, steps, verbose, callbacks, statistics)
        return _returned(logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Callbacks = None,
        *,
        statistics: Statistics = None,
    ) -> Nest:
        """The outputs for `x`, as NumPy arrays.

        A row's result never depends on the rows beside it, its place or `batch_size`, to the bit, unless a layer is made
        to normalize with the batch: by `statistics="batch"`, by `training=True` at its call, or by a pinned learning
        phase. There `batch_size` (32 by default) is how many rows are normalized together.

        Args:
            x: as in `fit`; of a plan of tuples the first part is taken.
            steps: how many batches to take.
            statistics: what normalization layers in inference normalize with: "moving", "batch", `phasewise.blend(n)`, or a
                dict of these by layer name. Ours, not Keras's.
        """
        return predicting.predict(self, x, batch_size, steps, verbose, callbacks, statistics)

    def train_on_batch(
        self,
        x: Nest,
        y: Nest = None,
        sample_weight: Nest = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Results:
        """One step on one batch. Returns its loss and metrics, as `evaluate` does."""
        require_compiled(self, "train_on_batch", optimizer=True)
        plan = fitting.one_batch(x, y, sample_weight, class_weight)
        return _returned(fitting.train_on_batch(self, plan), return_dict)

    def test_on_batch(self, x: Nest, y: Nest = None, sample_weight: Nest = None, return_dict: bool = False) -> Results:
        """Loss and metrics of one batch; nothing is learnt."""
        require_compiled(self, "test_on_batch")
        plan = fitting.one_batch(x, y, sample_weight)
        return _returned(evaluating.test_on_batch(self, plan), return_dict)

    def predict_on_batch(self, x: Nest) -> Nest:
        """The outputs for one batch, as NumPy arrays."""
        return predicting.predict_on_batch(self, fitting.one_batch(x))

    def reset_metrics(self) -> None:
        """Set the loss and all metrics back to their start."""
        self.objective.reset()

    @property
    def metrics(self) -> list[Metric]:
        """The metric objects: the loss tracker, those given to `compile`, and those that the model and its layers hold, which
        `call` updates and which are logged and reset with the others."""
        held = self._inventory().metrics
        if self.objective is None:
            return list(held)
        self.objective.hold(held)
        return self.objective.metrics

    @property
    def metrics_names(self) -> list[str]:
        """The names under which `evaluate` returns values, in order."""
        return self.objective.names if self.objective is not None else []


def _returned(logs, return_dict):
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
