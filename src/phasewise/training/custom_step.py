"""Steps that a subclass of a model has defined, as pure functions of state and batch, like those of phasewise itself."""

import contextlib
import dataclasses

import jax
import numpy as np

from phasewise.core import made_by, masking, random, variable
from phasewise.layer.added_losses import collected_losses
from phasewise.optimizers.in_step import applying
from phasewise.switch import observe, phase
from phasewise.training.customised import held_metrics, step_of
from phasewise.training.differentiation import noting_loss
from phasewise.training.kept_in_python import changed, kept_in_python, refuse_changes
from phasewise.training.last_activation import last_activations
from phasewise.training.left_behind import mark_left_behind
from phasewise.training.programs import program, shapes_of, trace_calls
from phasewise.training.state import Cells
from phasewise.training.step import draws_of, unpack, with_memory
from phasewise.training.step_outputs import returned_by

MOST_TRACES = 4


@dataclasses.dataclass
class Found:
    """What one trace of a step has shown.

    Attributes:
        calls: the `observe.Calls` of the layers.
        optimizers: list of (optimizer, its variables).
        outputs: what the step returns, as `jax.ShapeDtypeStruct`s: the logs by name, or the outputs.
    """

    calls: object
    optimizers: list
    outputs: object

    @property
    def names(self):
        """Those of the logs, in their order."""
        return list(self.outputs)


class CustomCells(Cells):
    """The variables that a step of a user's own reads and writes, with the optimizers that it applies.

    Args:
        model: what is run.
        found: the `Found` of the step.
        training: whether the optimizers' states are part of the run.
    """

    def __init__(self, model, found, *, training):
        super().__init__(model, training=training, metrics=True)
        self.optimizers, self._found = [optimizer for optimizer, _ in found.optimizers], found

    @property
    def log_names(self):
        """As the step gives them."""
        return self._found.names

    @property
    def found(self):
        """The `Found` of the step."""
        return self._found

    def gather(self):
        """As of `Cells`; "optimizer" is a list of states, "logs" a dict for what the step returns."""
        state = super().gather()
        if self._training:
            state["optimizer"] = [each.state for each in self.optimizers]
        logs = self._found.outputs
        return {**state, "logs": {name: np.zeros(spec.shape, spec.dtype) for name, spec in logs.items()}}

    def _restore_optimizers(self, states):
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.state = state


def find(model, task, spec):
    """The `Found` of the step of `task` for a batch of this structure; layers that have no weights yet are built.

    Raises:
        TypeError, ValueError: the step is not of the form that it must have; the message says which that is.
    """
    key = (task, *shapes_of(spec), getattr(model.optimizer, "revision", None))
    return program(model, "customised", key, lambda: _traced(model, task, spec))


def _traced(model, task, spec):
    _build(model, task, *unpack(spec)[:2])
    for _ in range(MOST_TRACES):
        before, kept = model._inventory().key, kept_in_python(model)
        found = _traced_once(model, task, spec)
        if model._inventory().key == before:
            _require_nothing_kept(model, task, spec, kept)
            return found
    raise RuntimeError(
        f"{type(model).__name__}.{step_of(model, task)[0]} makes new weights or layers each time that it is called: make them in __init__."
    )


def _require_nothing_kept(model, task, spec, kept):
    """What one more trace changes again is no value that is found once and kept, but one that each step is meant to change."""
    first = kept_in_python(model)
    suspects = changed(kept, first)
    if suspects:
        _traced_once(model, task, spec)
        refuse_changes(model, step_of(model, task)[0], suspects & changed(first, kept_in_python(model)))


def _build(model, task, x, y):
    """Make the weights of a model that can be called on the data, and the metrics of `compile`, as far as that goes: what is wrong the
    step itself will tell, and it may mean other inputs, outputs and labels."""
    if not model.can_be_called:
        return
    with contextlib.suppress(Exception):
        model._ensure_traced(x)
        if not model.objective.built and model.objective.has_metrics:
            _, outputs = trace_calls(model, x, task)
            model.objective.build(y, outputs, model._output_names, lambda count: last_activations(model, count))


def _traced_once(model, task, spec):
    name, step = step_of(model, task)
    variables, trained = model._inventory().variables, model.trainable_variables
    model.objective.hold(held_metrics(model))
    specs = [jax.ShapeDtypeStruct(v.shape, v.raw.dtype) for v in variables]

    def call(values, batch):
        with (
            variable.scope(variables, values) as held,
            random.scope(np.uint32(0), 0) as draws,
            applying() as applied,
            _in_task(task) as added,
        ):
            outputs = returned_by(model, name, step, batch)
            changed = any(v in applied_to(applied) for v in map(id, trained)) or _has_written(held, trained)
        calls.end_of_trace(jax.tree.leaves(unpack(batch)[0]))
        calls.adds_losses, calls.draws = bool(added), tuple(draws.drawn)
        calls.writes = bool(held.written)
        seen.update(optimizers=applied.optimizers, changed=changed, names=_names(outputs))
        return outputs

    seen = {}
    with observe.calls() as calls:
        outputs = jax.eval_shape(call, specs, spec)
    mark_left_behind(model)
    if name == "train_step" and not seen["changed"] and trained:
        raise ValueError(
            f"{type(model).__name__}.train_step changes no weight: take gradients, `loss, gradients = self.value_and_grad(loss_of)()`, and "
            "apply them, `self.optimizer.apply(gradients, self.trainable_variables)`."
        )
    if seen["names"] is not None:
        outputs = {each: outputs[each] for each in seen["names"]}
    return Found(calls, seen["optimizers"], outputs)


def applied_to(applied):
    """The identities of the variables that optimizers were applied to."""
    return {id(v) for _, variables in applied.optimizers for v in variables}


def _has_written(held, variables):
    return any(id(v) in held.written for v in variables)


def _names(outputs):
    return list(outputs) if isinstance(outputs, dict) else None


@contextlib.contextmanager
def _in_task(task):
    """What surrounds the call of a step: yields the losses that layers add."""
    with phase.task(task), made_by.remembered(), masking.table(), noting_loss(), collected_losses() as added:
        yield added


class CustomTrainStep:
    """A `train_step` of a user's own as a step of the loop.

    Args:
        model: compiled.
        task: "fit" or "train_on_batch".
        cells: the `CustomCells`.
        followed: a `Followed`.
    """

    def __init__(self, model, task, cells, followed):
        self._model, self._task, self._found, self._followed = model, task, cells.found, followed
        self._params, self._others = cells.params, cells.other
        self._name, self._step = step_of(model, task)

    def __call__(self, state, batch, valid, numbers, words):
        """(the state after one step, True); the arguments are those of `TrainStep`."""
        counted = self._model.objective.variables
        variables = [*self._followed.variables, *self._params, *self._others, *counted]
        values = [*state["followed"], *state["params"], *state["other"], *state["metrics"]]
        with (
            variable.scope(variables, values) as held,
            draws_of(state, unpack(batch)[0], self._found.calls.draws, words),
            applying(self._found.optimizers, state["optimizer"]) as applied,
            _in_task(self._task),
        ):
            logs = returned_by(self._model, self._name, self._step, batch)
            _require_known(applied, self._found)
            return {
                "seed": state["seed"],
                "step": state["step"] + 1,
                "params": held.collect(self._params),
                "other": held.collect(self._others),
                "followed": held.collect(self._followed.variables),
                "metrics": held.collect(counted),
                "optimizer": [optimizer.state for optimizer, _ in applied.optimizers],
                "logs": logs,
            }, True


def _require_known(applied, found):
    if len(applied.optimizers) > len(found.optimizers):
        raise RuntimeError("train_step applies other optimizers each time that it is traced: make them in __init__.")


def custom_test_step(model, task, found, followed):
    """A `test_step` of a user's own as a step `(state, batch) -> state`: metrics are updated, and what layers remember."""
    inventory, counted = model._inventory(), model.objective.variables
    name, step = step_of(model, task)

    def run(state, batch, valid=None):
        variables = [*followed.variables, *inventory.trained, *inventory.others, *counted]
        values = [*state["followed"], *state["params"], *state["other"], *state["metrics"]]
        x = unpack(batch)[0]
        with (
            variable.scope(variables, values) as held,
            draws_of(state, x, found.calls.draws),
            applying(),
            _in_task(task),
        ):
            logs = returned_by(model, name, step, batch)
            other = with_memory(held, inventory, state["other"])
            row = {"row": state["row"] + jax.tree.leaves(x)[0].shape[0]} if "row" in state else {}
            return {**state, **row, "other": other, "metrics": held.collect(counted), "logs": logs}

    return run


def custom_predict_step(model, task):
    """A `predict_step` of a user's own, as a function `batch -> outputs` for the scope of a step of `predict`."""
    name, step = step_of(model, task)

    def run(batch):
        with made_by.remembered(), masking.table(), noting_loss():
            return returned_by(model, name, step, batch)

    return run


def logs_of(objective, state):
    """What the steps have returned last, and how many were left out where that is counted."""
    return {**state["logs"], **objective.skipped_in(state["metrics"])}
