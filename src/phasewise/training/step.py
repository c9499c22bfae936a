"""Steps: pure functions `(state, batch) -> state` that a model, its objective and its optimizer amount to."""

import jax
import jax.numpy as jnp

from phasewise.core import padding, random, variable
from phasewise.kernels.finite import all_finite, where
from phasewise.layer.added_losses import collected_losses
from phasewise.switch import phase
from phasewise.training.packing import taken_at
from phasewise.training.weights import Weights


def unpack(batch):
    """`(x, y, sample_weight)` of a batch; what is absent is None. Only a tuple is taken apart, as in Keras."""
    if not isinstance(batch, tuple):
        return batch, None, None
    return (*batch, None, None)[:3]


def real_rows_of(x, valid):
    """Inside the block, the rows of the batch `x` past `valid` are padding; None: all are real."""
    return padding.real_rows(None if valid is None else jnp.arange(jax.tree.leaves(x)[0].shape[0]) < valid)


def call_purely(model, state, x, *, task, draws=((), ()), objective=None):
    """The model's output for `x`, with the arrays of `state` for weights.

    Args:
        draws: what random draws mix into the seed, expected and given: see `phasewise.core.random.scope`.
        objective: whose accumulators are in `state` as "metrics", where layers may hold and update some of them.

    Returns:
        (outputs, losses that layers added, new values of the other variables, then of the accumulators where layers hold some).
    """
    inventory = model._inventory()
    counted = objective.variables if objective is not None and objective.held else []
    trained, other = inventory.trained, inventory.others
    with (
        variable.scope(
            [*trained, *other, *counted], [*state["params"], *state["other"], *(state["metrics"] if counted else ())]
        ) as held,
        random.scope(state["seed"], state["step"], *draws),
        phase.task(task),
        collected_losses() as added,
    ):
        outputs = model(x)
        added = added + [v.regularizer(v.value) for v in trained if v.regularizer is not None]
        return outputs, added, held.collect([*other, *counted])


class TrainStep:
    """A step that updates the parameters, the moving statistics, the optimizer and the metrics.

    Args:
        model: compiled.
        task: "fit" or "train_on_batch".
        layout: the `Layout` in which the state comes and goes.
        draws: what the model's random draws mix into the seed, in order.
        looks_ahead: whether a step that could give NaN or infinity, told by its loss and gradients, leaves the state as it was.
    """

    def __init__(self, model, task, layout, draws, *, looks_ahead=False):
        self._model, self._objective, self._optimizer = model, model.objective, model.optimizer
        self._task, self._layout, self._draws, self._looks_ahead = task, layout, draws, looks_ahead
        self._variables = layout.params.first_of(model._inventory().trained)

    def __call__(self, state, batch, valid, numbers, words):
        """The state after one step, and whether it was made: True where it does not look ahead.

        Args:
            valid: number of real rows of the batch, or None.
            numbers, words: arguments of the program that stand for 0, 1, 2 … and for `draws`.
        """
        x, y, sample_weight = unpack(batch)
        params = self._layout.params.unpack(state["params"], taken_at(numbers))
        other = self._layout.other.unpack(state["other"], taken_at(numbers))

        def loss_of(params):
            with real_rows_of(x, valid) as real:
                outputs, added, after = call_purely(
                    self._model,
                    {**state, "params": params, "other": other},
                    x,
                    task=self._task,
                    draws=(self._draws, words),
                    objective=self._objective,
                )
            total, parts = self._objective.total_loss(y, outputs, sample_weight, real)
            total = sum(added, total)
            return self._optimizer.scale_loss(total), (total, outputs, parts, after, real)

        (_, (total, outputs, parts, after, real)), grads = jax.value_and_grad(loss_of, has_aux=True)(params)
        metrics = after[len(other) :] or state["metrics"]
        grads, after = self._layout.params.pack(grads), self._layout.other.pack(after[: len(other)])
        new = {
            "seed": state["seed"],
            "other": after,
            "metrics": _updated(self._objective, metrics, (y, outputs, sample_weight, real, total, parts)),
            "step": state["step"] + 1,
        }
        kept = state["optimizer"], state["params"]
        if not self._looks_ahead:
            kept, params = self._updated(grads, *kept)
            return {**new, "params": params, "optimizer": kept}, True
        good = all_finite(total, after) & self._optimizer.is_moderate(grads, kept[0])
        # A loop of one step or none writes in place, where a choice between two states would need both.
        _, (kept, params) = jax.lax.while_loop(
            lambda carried: carried[0], lambda carried: (False, self._updated(grads, *carried[1])), (good, kept)
        )
        return {**where(good, new, {name: state[name] for name in new}), "params": params, "optimizer": kept}, good

    def _updated(self, grads, kept, params):
        params, kept = self._optimizer.update(grads, kept, params, self._variables)
        return kept, params


def test_step(model, objective, task):
    """A step that updates the metrics only; rows past `valid` do not count."""

    def step(state, batch, valid=None):
        x, y, sample_weight = unpack(batch)
        with real_rows_of(x, valid) as real:
            outputs, added, after = call_purely(model, state, x, task=task, objective=objective)
        total, parts = objective.total_loss(y, outputs, sample_weight, real)
        total = sum(added, total)
        metrics = after[len(state["other"]) :] or state["metrics"]
        return {
            **state,
            "metrics": _updated(objective, metrics, (y, outputs, sample_weight, real, total, parts)),
        }

    return step


def predict_step(model, task):
    """A function `(state, batch, valid, numbers) -> outputs`; rows past `valid` are no part of any statistic.

    The state has what `Weights.now` gives as "weights", beside "seed" and "step".
    """
    weights = Weights.of(model)

    def step(state, batch, valid, numbers):
        x, _, _ = unpack(batch)
        values = weights.unpacked(state["weights"], numbers)
        with (
            real_rows_of(x, valid),
            variable.scope(weights.variables, values),
            random.scope(state["seed"], state["step"]),
            phase.task(task),
            collected_losses(),
        ):
            return model(x)

    return step


def logs_of(objective, metrics):
    """What the metric accumulators say, as a dict of scalars."""
    with variable.scope(objective.variables, metrics):
        return objective.logs()


def _updated(objective, metrics, arguments):
    with variable.scope(objective.variables, metrics) as held:
        objective.update(*arguments)
        return held.collect(objective.variables)
