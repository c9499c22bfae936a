"""train_step, test_step, predict_step, compute_loss, compute_metrics: what a subclass of a model overrides to be trained otherwise."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from phasewise.core.types import Array, Nest
from phasewise.core.variable import Variable, in_scope, is_written
from phasewise.metrics import Metric
from phasewise.training.compiled_metrics import CompiledMetrics
from phasewise.training.differentiation import note_loss, noted_loss, value_and_grad
from phasewise.training.last_activation import last_activations
from phasewise.training.made_functions import refuse_own_functions
from phasewise.training.step import unpack


class Customised:
    """The parts of a step, each of which a subclass may define anew.

    They are traced: code as in Keras, that calls layers, reads and assigns variables, and applies optimizers, is compiled into one program
    with the loop over the batches. Nothing else may be kept from step to step: an attribute that is assigned in a step would hold a tracer.
    A plain number is what it was when the step was traced; what is to change from step to step is a `phasewise.Variable`. Random
    numbers come from `phasewise.random` with a `SeedGenerator`, or from layers: those of `jax.random.key(0)` are the same in every step.

    In a step the task decides the phase where no `training=` is given: `self(x)` is in training in `train_step`, in inference in
    `test_step` and `predict_step`; another model that is to stay in inference is called with `training=False`.

    Batches come to code of a user's own as they are, a short last one as well: none is filled up.
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of `fit` and `train_on_batch`.

        Args:
            data: a batch as the data give it: `x`, `(x, y)` or `(x, y, sample_weight)`. `phasewise.utils.unpack_x_y_sample_weight`
                takes it apart.

        Returns:
            dict name -> scalar: what is logged. The result of a metric that the step updates is that over the epoch so far; any other number
            is logged as that of the last step.

        Example:
            >>> def train_step(self, data):
            ...     x, y = data
            ...     def loss_of():
            ...         y_pred = self(x, training=True)
            ...         return self.compute_loss(x, y, y_pred), y_pred
            ...     (loss, y_pred), gradients = self.value_and_grad(loss_of, has_aux=True)()
            ...     self.optimizer.apply(gradients, self.trainable_variables)
            ...     return self.compute_metrics(x, y, y_pred)

        Where it differs from Keras: neither `tf.GradientTape` nor the form `train_step(self, state, data)` of Keras on JAX is needed or
        works; `value_and_grad` takes the place of both.
        """
        x, y, sample_weight = unpack(data)

        def loss_of():
            y_pred = self(x)
            return _loss_by(self, x, y, y_pred, sample_weight, training=True), y_pred

        (loss, y_pred), gradients = self.value_and_grad(loss_of, has_aux=True)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self._loss_tracker.update_state(loss, _rows(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of `evaluate`, of a validation and of `test_on_batch`; as `train_step`. What it writes beside metrics is dropped."""
        x, y, sample_weight = unpack(data)
        y_pred = self(x)
        loss = _loss_by(self, x, y, y_pred, sample_weight, training=False)
        self._loss_tracker.update_state(loss, _rows(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Nest:
        """One step of `predict` and `predict_on_batch`: a nest of arrays, each with a row for every row of the batch."""
        x, _, _ = unpack(data)
        return self(x)

    def compute_loss(
        self,
        x: Nest = None,
        y: Nest = None,
        y_pred: Nest = None,
        sample_weight: Nest = None,
        training: bool = True,
    ) -> Array:
        """The loss that `compile` was given, its outputs weighted, and what layers and regularizers add.

        Args:
            x, y, sample_weight: parts of a batch; y_pred: what the model gives for `x`.
            training: whether the model is trained; accepted, as in Keras.

        Returns:
            A scalar.
        """
        objective = self._objective_for(y, y_pred)
        total, parts = objective.total_loss(y, y_pred, sample_weight)
        objective.track(parts, _rows(y_pred))
        total = sum(self.losses, total)
        note_loss(total)
        return total

    def compute_metrics(self, x: Nest, y: Nest, y_pred: Nest, sample_weight: Nest = None) -> dict[str, Any]:
        """Update the metrics that `compile` was given, and the mean of the step's loss; what `get_metrics_result` gives then.

        Args:
            x, y, sample_weight: parts of a batch; y_pred: what the model gives for `x`.
        """
        objective, loss = self._objective_for(y, y_pred), noted_loss()
        if loss is not None and not self._is_tracked():
            self._loss_tracker.update_state(loss, _rows(y_pred))
        objective.update_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """dict name -> what each metric says so far; "loss" is there where the step's loss was computed or tracked."""
        found = self.objective.logs()
        found.pop("skipped", None)  # the loop counts and tells those itself
        own = [metric for metric in self.objective.held if metric.name == "loss"]
        if own or not self._is_tracked():
            found.pop("loss", None)
        if own:
            found = {"loss": own[0].result(), **{name: value for name, value in found.items() if name != "loss_1"}}
        return found

    def value_and_grad(
        self,
        function: Callable[..., Any],
        variables: Sequence[Variable] | None = None,
        *,
        has_aux: bool = False,
        optimizer: Any = None,
    ) -> Callable[..., tuple[Any, list[Array]]]:
        """`phasewise.value_and_grad` with gradients that an optimizer can be applied to.

        Args:
            function: returns a scalar, or with `has_aux` a pair of a scalar and a nest of arrays.
            variables: the model's trainable variables by default.
            optimizer: that of `compile` by default. Where it scales the loss (mixed precision in float16) the gradients are those of the
                scaled loss, which its `apply` divides by the scale; the value is that of the loss itself.

        Returns:
            A function of the arguments of `function` that returns (value, gradients), or ((value, aux), gradients).
        """
        optimizer = self.optimizer if optimizer is None else optimizer

        def scaled(*args, **kwargs):
            result = function(*args, **kwargs)
            value, aux = result if has_aux else (result, None)
            return value if optimizer is None else optimizer.scale_loss(value), (value, aux)

        def differentiated(*args, **kwargs):
            chosen = self.trainable_variables if variables is None else variables
            (_, (value, aux)), gradients = value_and_grad(scaled, chosen, has_aux=True)(*args, **kwargs)
            note_loss(value)
            return ((value, aux) if has_aux else value), gradients

        return differentiated

    @property
    def metrics(self) -> list[Metric]:
        """The metric objects: the loss tracker, one that stands for all those given to `compile`, the trackers of several outputs, and
        those that the model and its layers hold, which `call` updates and which are logged and reset with the others."""
        held, objective = self._inventory().metrics, self.objective
        if objective is None:
            return list(held)
        given = [CompiledMetrics(self)] if objective.has_metrics else []
        return [objective.loss_tracker, *given, *objective.loss_trackers, *held]

    @property
    def _loss_tracker(self) -> Metric:
        """The mean of the losses, which is logged as "loss"."""
        return self.objective.loss_tracker

    def _is_tracked(self):
        count = self._loss_tracker.count
        return is_written(count) if in_scope() else bool(count.numpy())

    def _objective_for(self, y, y_pred):
        """What `compile` was given, matched with outputs like these."""
        if self.objective is None:
            raise RuntimeError(f"{self.name!r} has no loss and no metrics yet: call model.compile(...) first.")
        if not self.objective.built:
            y, y_pred = jax.tree.map(lambda a: jax.ShapeDtypeStruct(jnp.shape(a), jnp.result_type(a)), (y, y_pred))
            self.objective.build(y, y_pred, self._output_names, lambda count: last_activations(self, count))
        return self.objective


_STEPS = {"fit": "train_step", "train_on_batch": "train_step", "evaluate": "test_step", "test_on_batch": "test_step"}


def is_customised(model: Any, task: str) -> bool:
    """Whether a subclass has defined anew what `task` does with a batch.

    Raises:
        TypeError: it defines anew what nothing calls.
    """
    return _is_customised(type(model), task)


@functools.lru_cache(256)
def _is_customised(cls, task):
    refuse_own_functions(cls)
    names = ("predict_step",) if task.startswith("predict") else (_STEPS[task], "compute_loss", "compute_metrics")
    return any(_is_overridden(cls, name) for name in names)


def step_of(model: Any, task: str) -> tuple[str, Callable[[Any], Any]]:
    """(name, method) of the step of a task.

    Raises:
        TypeError: it takes other arguments than the batch, or is written for another framework.
    """
    name = "predict_step" if task.startswith("predict") else _STEPS[task]
    step = getattr(model, name)
    _check_signature(type(model), name, step)
    return name, step


def calls_model(model: Any, task: str) -> bool:
    """Whether the step of `task` is the one that is defined here, which calls the model on `x`."""
    return not _is_overridden(type(model), "predict_step" if task.startswith("predict") else _STEPS[task])


def reset_metrics(model: Any) -> None:
    """Begin again with all metrics, also by a `reset_metrics` of a user's own."""
    model.objective.reset()
    if not type(model).reset_metrics.__module__.startswith("phasewise."):
        model.reset_metrics()


def held_metrics(model: Any) -> list[Metric]:
    """The metrics beside those of `compile`: that layers hold, and that a `metrics` of a user's own names."""
    held = model._inventory().metrics
    if not _names_metrics(type(model)):
        return held
    known = set(map(id, [*model.objective.own_metrics, *held]))
    named = (metric for metric in model.metrics if not isinstance(metric, CompiledMetrics))
    return [*held, *(metric for metric in named if id(metric) not in known)]


@functools.lru_cache(256)
def _names_metrics(cls):
    """Whether a class has a `metrics` of its own."""
    return not getattr(getattr(cls.metrics, "fget", None), "__module__", "").startswith("phasewise.")


def _is_overridden(cls, name):
    return getattr(cls, name) is not getattr(Customised, name)


def _check_signature(cls, name, step):
    parameters = list(inspect.signature(step).parameters.values())
    needed = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes = ", ".join(["self", *(str(p) for p in parameters)])
    if len(needed) == 2 and needed[0].name == "state":
        raise TypeError(
            f"{cls.__name__}.{name}({takes}) is in the form of Keras on JAX, whose state is handed in and out. Here a step takes the batch "
            f"alone, {name}(self, data): it reads and assigns variables, takes gradients by self.value_and_grad and applies optimizers, all of it "
            "pure and compiled. For a loop of your own see phasewise.pure(model)."
        )
    if len(needed) > 1 or not parameters:
        raise TypeError(f"{cls.__name__}.{name} must take the batch alone, {name}(self, data); it takes ({takes}).")
    used = getattr(getattr(step, "__func__", step), "__code__", None)
    foreign = next((n for n in ("GradientTape", "zero_grad", "backward") if used and n in used.co_names), None)
    if foreign:
        raise TypeError(
            f"{cls.__name__}.{name} takes gradients by {foreign}, which records what another framework does. Here they are taken of a "
            "function: loss, gradients = self.value_and_grad(loss_of)(), and self.optimizer.apply(gradients, self.trainable_variables). For a "
            "loop of your own see phasewise.pure(model)."
        )


def _loss_by(model, x, y, y_pred, sample_weight, training):
    """`compute_loss`, which may be of before it took `training`.

    Raises:
        ValueError: it gives no scalar.
    """
    takes = inspect.signature(model.compute_loss).parameters
    has_training = "training" in takes or any(p.kind is p.VAR_KEYWORD for p in takes.values())
    loss = model.compute_loss(x, y, y_pred, sample_weight, **({"training": training} if has_training else {}))
    if loss is None or jnp.ndim(loss):
        came = "None" if loss is None else f"an array of shape {jnp.shape(loss)}"
        raise ValueError(f"{type(model).__name__}.compute_loss must return one number for a batch; it returned {came}.")
    note_loss(loss)
    return jnp.asarray(loss)


def _rows(x):
    leaves = [leaf for leaf in jax.tree.leaves(x) if jnp.ndim(leaf)]
    return jnp.float32(leaves[0].shape[0] if leaves else 1)
