"""Steps: pure functions `(state, batch) -> state` that a model, its objective and its optimizer amount to."""

import jax
import jax.numpy as jnp

from phasewise.core import padding, random, variable
from phasewise.layer.added_losses import collected_losses
from phasewise.switch import phase


def unpack(batch):
    """`(x, y, sample_weight)` of a batch; what is absent is None. Only a tuple is taken apart, as in Keras."""
    if not isinstance(batch, tuple):
        return batch, None, None
    return (*batch, None, None)[:3]


def real_rows_of(x, valid):
    """Inside the block, the rows of the batch `x` past `valid` are padding; None: all are real."""
    return padding.real_rows(None if valid is None else jnp.arange(jax.tree.leaves(x)[0].shape[0]) < valid)


def call_purely(model, state, x, *, task):
    """The model's output for `x`, with the arrays of `state` for weights.

    Returns:
        (outputs, losses that layers added, new values of the other variables).
    """
    trained, other = model.split_variables()
    with (
        variable.scope([*trained, *other], [*state["params"], *state["other"]]) as held,
        random.scope(state["seed"], state["step"]),
        phase.task(task),
        collected_losses() as added,
    ):
        outputs = model(x)
        added = added + [v.regularizer(v.value) for v in trained if v.regularizer is not None]
        return outputs, added, held.collect(other)


def train_step(model, objective, optimizer, task):
    """A step that updates the parameters, the moving statistics, the optimizer and the metrics."""
    trained = model.trainable_variables

    def step(state, batch):
        x, y, sample_weight = unpack(batch)

        def loss_of(params):
            outputs, added, other = call_purely(model, {**state, "params": params}, x, task=task)
            total, parts = objective.total_loss(y, outputs, sample_weight)
            total = sum(added, total)
            return optimizer.scale_loss(total), (total, outputs, parts, other)

        (_, (total, outputs, parts, other)), grads = jax.value_and_grad(loss_of, has_aux=True)(state["params"])
        params, optimizer_state = optimizer.update(grads, state["optimizer"], state["params"], trained)
        return {
            **state,
            "params": params,
            "other": other,
            "optimizer": optimizer_state,
            "metrics": _updated(objective, state["metrics"], (y, outputs, sample_weight, None, total, parts)),
            "step": state["step"] + 1,
        }

    return step


def test_step(model, objective, task):
    """A step that updates the metrics only; rows past `valid` do not count."""

    def step(state, batch, valid=None):
        x, y, sample_weight = unpack(batch)
        with real_rows_of(x, valid) as real:
            outputs, added, _ = call_purely(model, state, x, task=task)
        total, parts = objective.total_loss(y, outputs, sample_weight, real)
        total = sum(added, total)
        return {
            **state,
            "metrics": _updated(objective, state["metrics"], (y, outputs, sample_weight, real, total, parts)),
        }

    return step


def predict_step(model, task):
    """A function `(state, batch, valid) -> outputs`; rows past `valid` are no part of any statistic."""

    def step(state, batch, valid=None):
        x, _, _ = unpack(batch)
        with real_rows_of(x, valid):
            return call_purely(model, state, x, task=task)[0]

    return step


def logs_of(objective, metrics):
    """What the metric accumulators say, as a dict of scalars."""
    with variable.scope(objective.variables, metrics):
        return objective.logs()


def _updated(objective, metrics, arguments):
    with variable.scope(objective.variables, metrics) as held:
        objective.update(*arguments)
        return held.collect(objective.variables)
