"""compile, fit, evaluate and predict: Keras's methods, over the compiled loop."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from phasewise import optimizers
from phasewise.callbacks import Callback, History
from phasewise.core import random
from phasewise.core.arguments import check_count
from phasewise.core.keywords import told
from phasewise.core.overridable import Overridable
from phasewise.core.types import Config, Named, Nest
from phasewise.optimizers.loss_scale_optimizer import scaled_where_needed
from phasewise.switch.statistics_policy import ByLayer, Policy
from phasewise.training import compile_config, evaluating, fitting, limits, predicting
from phasewise.training.compile_config import CompiledWith
from phasewise.training.customised import Customised
from phasewise.training.host_layers import plan_for
from phasewise.training.made_functions import MadeFunctions
from phasewise.training.objective import Objective
from phasewise.training.on_batch import OnBatch
from phasewise.training.own_state import own_metrics
from phasewise.training.preparing import require_compiled
from phasewise.training.results import Results, returned
from phasewise.training.stateless_loss import StatelessLoss

PerOutput: TypeAlias = Named | Sequence[Any]
"""One, or a list or dict of one or several for each output."""

Callbacks: TypeAlias = Callback | Sequence[Any] | None
"""A callback, or a list of them; lists may be nested."""

Statistics: TypeAlias = Policy | ByLayer | dict[str, Any] | None
"""A policy for all normalization layers, or a dict of them by layer name; None for the one in force."""


class Trainer(Customised, OnBatch, MadeFunctions, StatelessLoss):
    """The methods that train a model and run it over data."""

    _unread = frozenset(
        [
            "built",
            "optimizer",
            "objective",
            "programs",
            "history",
            "stop_training",
            "stop_evaluating",
            "stop_predicting",
            "steps_trained",
            "steps_per_execution",
            "metrics",
            "losses",
        ]
    )
    optimizer = None
    objective = None
    stop_training = stop_evaluating = stop_predicting = False
    history = None
    steps_trained = 0
    _step_specs: Mapping[str, Any] = MappingProxyType({})  # of the last batch, for each task whose step is a user's own
    _watcher = None  # what looks on while `predict` runs
    _claimed = None  # the optimizer, once it is known to train this model and no other
    steps_per_execution = 1

    @Overridable
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self.objective is not None

    @told
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
            optimizer: name, optimizer object, or any optax transformation. An object trains one model: `fit` of another with
                other weights is a ValueError.
            loss: name, object or function `(y_true, y_pred)`; for several outputs one for all, or a list, dict or nest of them as
                the outputs are nested. A list never stands for a dict: it does not say what belongs to which key.
            loss_weights: float for each output, nested as the outputs are.
            metrics, weighted_metrics: list of names, objects or functions; for several outputs nested as these are. The latter
                take `sample_weight` into account. Those given by name take scores for logits where the loss has
                from_logits=True; in Keras "accuracy" has its border at 0.5 all the same.
            steps_per_execution: positive int. Steps are fused by how long they take, so this only sets a fixed number
                when it is above 1; results do not depend on it. The hooks of single batches are called once for so many.
            run_eagerly, jit_compile: accepted for Keras's sake; every step is compiled.
            auto_scale_loss: whether the optimizer of a model that computes in "mixed_float16" is put into a
                `LossScaleOptimizer`; without one its gradients round to 0.

        A `Variable` that losses, metrics or layers read, wherever it belongs, is read as it is at each step, and so is a public
        attribute of a layer, loss, metric, regularizer, constraint, schedule or optimizer (`dropout.rate = 0.1`). A plain number
        in a closure stays what it was when the step was traced: make it a `Variable`.

        Raises:
            ValueError: an unknown name; the message gives the near match. Or `loss_weights` are no numbers.

        Labels (rows,) and outputs (rows, 1) come to every loss and metric as of one rank; a metric function that returns one number
        says it of every row of its batch. No two names in the logs are the same: the second is numbered.
        """
        steps_per_execution = check_count("compile", "steps_per_execution", steps_per_execution)
        given = optimizers.get(optimizer)
        self.optimizer = scaled_where_needed(given, self._inventory().layers) if auto_scale_loss else given
        self.objective = Objective(loss, metrics, loss_weights, weighted_metrics)
        self.objective.compiled_with = CompiledWith(
            given,
            loss,
            loss_weights,
            metrics,
            weighted_metrics,
            run_eagerly,
            steps_per_execution,
            jit_compile,
            auto_scale_loss,
        )
        self.steps_per_execution = steps_per_execution
        self.programs.clear()
        self._step_specs = {}

    def get_compile_config(self) -> Config:
        """What `compile` was given, as `compile_from_config` and Keras take it; empty for a model that is not compiled, and, with a
        warning, where an object in it cannot be described."""
        return compile_config.of(self)

    def compile_from_config(self, config: Config) -> None:
        """Compile as `get_compile_config`, or Keras's, says, and make the optimizer's variables. What `compile` does not take is warned of.

        A class that overrides `compile` must override this as well; without that it is warned of and left uncompiled, as in Keras.

        Raises:
            ValueError: it names something that is not known here.
        """
        compile_config.follow(self, config, Trainer.compile)

    @told
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
        class_weight: Mapping[Any, Any] | Sequence[Any] | None = None,
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
            x: arrays (also dicts, lists, tuples of them), a `Dataset`, a generator, a list of tuples `(x, y)`, or any other source of
                batches. A source may fill the same memory again and again: each batch is what it was when it came. Arrays are not
                copied, unless a callback of your own could write to them.
            y: labels, when `x` is arrays.
            batch_size: rows a step, 32 by default; only with arrays.
            epochs: index of the epoch to stop before; `initial_epoch` is the first.
            verbose: "auto" or 1 shows progress, 2 a line an epoch, 0 nothing.
            callbacks: list of `phasewise.callbacks.Callback`.
            validation_split: fraction in [0, 1) of the arrays, from their end, to hold out.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or a `Dataset`.
            shuffle: whether arrays are put in a new order every epoch.
            class_weight: dict of class -> weight; for several outputs one for each, nested as the labels are or by output name.
            sample_weight: weight of each row.
            steps_per_epoch: steps in an epoch; needed for an endless plan, unless a callback sees every batch and sets
                `model.stop_training`. An epoch goes on where the last one stopped, and begins anew where the data have ended; of a
                generator no more is read than the steps need.
            validation_steps, validation_batch_size: likewise for validation.
            validation_freq: int, or list of epoch numbers (from 1) after which to validate.
            on_nonfinite: what to do when a loss, gradient or weight becomes NaN or infinite: "raise" an error that names the
                layer and the rows, "skip" the step and count it in the logs as "skipped", or "ignore" it. A `TerminateOnNaN`
                among the callbacks takes the place of "raise". A step that a `LossScaleOptimizer` leaves out is none of these.
                Ours, not Keras's.

        Returns:
            `History`: `.history` has a list of values, one an epoch, for every logged name.

        Raises:
            NonFiniteError: see `on_nonfinite`.

        Whatever ends the run (Ctrl-C, an error, a callback), the model holds the last good state.
        """
        require_compiled(self, "fit", optimizer=True)
        if validation_split and validation_data is None:
            x, y, sample_weight, validation_data = fitting.hold_out(self, x, y, sample_weight, validation_split)
        settings = fitting.Settings(
            epochs=epochs,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            verbose=verbose,
            callbacks=callbacks,
            validation_freq=validation_freq,
            on_nonfinite=on_nonfinite,
        )
        hold = fitting.may_write_to_data(callbacks)
        with random.drawing_from(self._seeds.next_on_host()):
            plan = fitting.training_plan(self, x, y, sample_weight, batch_size, shuffle, class_weight, hold)
        settings.steps_per_epoch = limits.steps(settings.steps_per_epoch, lambda: plan)
        validation = None
        if validation_data is not None:
            size = batch_size if validation_batch_size is None else validation_batch_size
            times = settings.validations
            validation = fitting.Validation(self, validation_data, size, validation_steps, times, hold)
        with own_metrics(self.objective):
            return fitting.fit(self, plan, validation, settings)

    @told
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
            steps: how many batches to take; needed for an endless plan, unless a callback sees every batch and sets
                `model.stop_evaluating`.
            return_dict: a dict by name instead of a list.
            statistics: what normalization layers in inference normalize with: "moving", "batch", `phasewise.blend(n)`, or a
                dict of these by layer name. Ours, not Keras's.

        Returns:
            The loss alone where there are no metrics, else a list in the order of `metrics_names`, or a dict.
        """
        require_compiled(self, "evaluate")
        hold = fitting.may_write_to_data(callbacks)
        plan = plan_for(self, x, y, sample_weight, batch_size=batch_size, hold=hold, role="evaluate")
        steps = limits.steps(steps, lambda: plan)
        with own_metrics(self.objective):
            logs = evaluating.evaluate(self, plan, steps, verbose, callbacks, statistics)
        return returned(logs, return_dict)

    @told
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

        A random layer that is pinned to training (Monte Carlo dropout) draws anew at each call, and a row's draws depend on its
        place in the data alone; the sequence of calls repeats after `phasewise.set_random_seed`.

        Args:
            x: as in `fit`; of a plan of tuples the first part is taken. In a list of tuples, tuples of one array are batches, and
                tuples of several are inputs.
            steps: how many batches to take; needed for an endless plan, unless a callback sees every batch and sets
                `model.stop_predicting`: the batches up to there are returned.
            statistics: what normalization layers in inference normalize with: "moving", "batch", `phasewise.blend(n)`, or a
                dict of these by layer name. Ours, not Keras's.
        """
        return predicting.predict(self, x, batch_size, steps, verbose, callbacks, statistics)

    def reset_metrics(self) -> None:
        """Set the loss and all metrics back to their start."""
        self.objective.reset()

    @property
    def metrics_names(self) -> list[str]:
        """The names under which `evaluate` returns values, in order."""
        return self.objective.names if self.objective is not None else []
