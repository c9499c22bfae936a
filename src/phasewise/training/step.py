"""Steps: pure functions `(state, batch) -> state` that a model, its objective and its optimizer amount to."""

import jax
import jax.numpy as jnp

from phasewise.core import logits, made_by, masking, padding, random, variable
from phasewise.kernels.finite import all_finite, where
from phasewise.layer.added_losses import collected_losses
from phasewise.switch import phase
from phasewise.training.output_masks import attach_each, masks_of
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


def draws_of(state, x, expected=(), words=()):
    """Inside the block, draws for the batch `x` are functions of what `state` holds: see `phasewise.core.random.scope`.

    Args:
        expected, words: what draws mix into the seed, and the arguments of the program that stand for it.
    """
    rows = jax.tree.leaves(x)[0].shape[0] if "row" in state else None
    words = state.get("words", words)
    return random.scope(state["seed"], state["step"], expected, words, first_row=state.get("row"), rows=rows)


def call_purely(model, state, x, *, task, draws=((), ())):
    """The model's output for `x`, with the arrays of `state` for weights.

    Args:
        draws: what random draws mix into the seed, expected and given: see `draws_of`.

    Returns:
        (outputs, losses that layers added, new values of the other variables).
    """
    inventory = model._inventory()
    trained, other = inventory.trained, inventory.others
    with (
        variable.scope([*trained, *other], [*state["params"], *state["other"]]) as held,
        draws_of(state, x, *draws),
    ):
        return *called(model, x, trained, task), held.collect(other)


def called(model, x, trained, task):
    """(outputs, losses that layers and regularizers add) of the model for `x`, in the active scope."""
    with phase.task(task), collected_losses() as added:
        outputs = model(x)
        return outputs, added + [v.regularizer(v.value) for v in trained if v.regularizer is not None]


class TrainStep:
    """A step that updates the parameters, the moving statistics, the optimizer and the metrics.

    Args:
        model: compiled.
        task: "fit" or "train_on_batch".
        layout: the `Layout` in which the state comes and goes.
        draws: what the model's random draws mix into the seed, in order.
        followed: a `Followed`: the variables that are read, and may be written, beside the model's.
        looks_ahead: whether a step that could give NaN or infinity, told by its loss and gradients, leaves the state as it was.
    """

    def __init__(self, model, task, layout, draws, followed, *, looks_ahead=False):
        self._model, self._objective, self._optimizer = model, model.objective, model.optimizer
        self.layout = layout
        self._task, self._layout, self._draws, self._looks_ahead = task, layout, draws, looks_ahead
        self._followed = followed
        self._counted = _counted(model.objective)
        inventory = model._inventory()
        self._trained, self._others = inventory.trained, inventory.others
        self._variables = layout.params.first_of(self._trained)

    def __call__(self, state, batch, valid, numbers, words):
        """The state after one step, and whether it was made: True where it does not look ahead.

        Args:
            valid: number of real rows of the batch, or None.
            numbers, words: arguments of the program that stand for 0, 1, 2 … and for `draws`.
        """
        x, y, sample_weight = unpack(batch)
        params = self._layout.params.unpack(state["params"], taken_at(numbers))
        other = self._layout.other.unpack(state["other"], taken_at(numbers))

        counted = state["metrics"] if self._counted else ()

        def loss_of(params):
            with (
                self._held(params, other, state["followed"], counted) as held,
                made_by.remembered(),
            ):
                with real_rows_of(x, valid) as real:
                    outputs, added = called(self._model, x, self._trained, self._task)
                total, parts = self._objective.total_loss(y, outputs, sample_weight, real)
                found = logits.of_each(outputs), masks_of(outputs)
                total = sum(added, total)
                after = [held.collect(each) for each in (self._others, self._followed.variables, self._counted)]
            return self._optimizer.scale_loss(total, state["optimizer"]), (total, (outputs, found), parts, after, real)

        with draws_of(state, x, self._draws, words), made_by.remembered():
            (_, (total, outputs, parts, (other, followed, counted), real)), grads = jax.value_and_grad(
                loss_of, has_aux=True
            )(params)
            with self._held(params, other, followed):
                metrics, followed = _updated(
                    self._objective,
                    counted or state["metrics"],
                    (y, outputs, sample_weight, real, total, parts),
                    (self._followed.variables, followed),
                )
                new = {
                    "seed": state["seed"],
                    "other": self._layout.other.pack(other),
                    "followed": followed,
                    "metrics": metrics,
                    "step": state["step"] + 1,
                }
                return self._after(state, self._layout.params.pack(grads), new, total)

    def _held(self, params, other, followed, counted=()):
        """Inside the block variables are read as these, and not as what their cells held when the step was traced."""
        variables = [*self._followed.variables, *self._trained, *self._others, *(self._counted if counted else ())]
        return variable.scope(variables, [*followed, *params, *other, *counted])

    def _after(self, state, grads, new, total):
        """The state with what is `new` in it, parameters and optimizer updated; and whether the step was made."""
        kept = state["optimizer"], state["params"]
        if not self._looks_ahead:
            kept, params = self._updated(grads, *kept)
            return {**new, "params": params, "optimizer": kept}, True
        good = all_finite(total, new["other"]) & self._optimizer.is_moderate(grads, kept[0])
        # A loop of one step or none writes in place, where a choice between two states would need both.
        _, (kept, params) = jax.lax.while_loop(
            lambda carried: carried[0], lambda carried: (False, self._updated(grads, *carried[1])), (good, kept)
        )
        return {**where(good, new, {name: state[name] for name in new}), "params": params, "optimizer": kept}, good

    def _updated(self, grads, kept, params):
        params, kept = self._optimizer.update(grads, kept, params, self._variables)
        return kept, params


def test_step(model, objective, task, followed, draws=()):
    """A step that updates the metrics, and what layers remember; rows past `valid` do not count. What else is written is dropped."""
    inventory = model._inventory()
    variables, counted = [*inventory.trained, *inventory.others], _counted(objective)

    def step(state, batch, valid=None):
        x, y, sample_weight = unpack(batch)
        values = [*state["followed"], *state["params"], *state["other"], *(state["metrics"] if counted else ())]
        with variable.scope([*followed.variables, *variables, *counted], values) as held, draws_of(state, x, draws):
            with real_rows_of(x, valid) as real, made_by.remembered():
                outputs, added = called(model, x, inventory.trained, task)
                total, parts = objective.total_loss(y, outputs, sample_weight, real)
                outputs = outputs, (logits.of_each(outputs), masks_of(outputs))
            total = sum(added, total)
            other = with_memory(held, inventory, state["other"])
            metrics = held.collect(counted) or state["metrics"]
            metrics, _ = _updated(objective, metrics, (y, outputs, sample_weight, real, total, parts))
        rows = jax.tree.leaves(x)[0].shape[0] if valid is None else valid
        return {**state, **({"row": state["row"] + rows} if "row" in state else {}), "other": other, "metrics": metrics}

    return step


def with_memory(held, inventory, values):
    """The values of the other variables, those that layers remember by as they are now."""
    if not inventory.memory:
        return values
    return [held.read(v) if v.is_memory else value for v, value in zip(inventory.others, values, strict=True)]


def predict_step(model, task, draws=(), own=None):
    """A function `(state, batch, valid, numbers) -> outputs`; rows past `valid` are no part of any statistic.

    The state has what `Weights.now` gives as "weights", beside what `Draws.arguments` gives. Where layers remember, their memory is
    there as "memory", and the function gives (outputs, memory). `own(batch)` gives the outputs in the place of the model.
    """
    inventory = model._inventory()
    weights, memory = Weights.of(inventory), inventory.memory
    call = model if own is None else own

    def step(state, batch, valid, numbers):
        x, _, _ = unpack(batch)
        values = weights.unpacked(state["weights"], numbers)
        with (
            real_rows_of(x, valid),
            variable.scope([*weights.variables, *memory], [*values, *state.get("memory", ())]) as held,
            draws_of(state, x, draws),
            phase.task(task),
            collected_losses(),
        ):
            outputs = call(x if own is None else batch)
            return (outputs, held.collect(memory)) if memory else outputs

    return step


def _counted(objective):
    """The accumulators, where layers hold and update some of them."""
    return objective.variables if objective.held else []


def logs_of(objective, state, followed):
    """What the metric accumulators say, as a dict of scalars."""
    variables, values = [*followed.variables, *objective.variables], [*state["followed"], *state["metrics"]]
    with variable.scope(variables, values):
        return objective.logs()


def _updated(objective, metrics, arguments, followed=((), ())):
    """The accumulators after a batch, and the variables that are followed, given as (variables, values)."""
    y, (outputs, found), *rest = arguments
    with (
        variable.scope([*followed[0], *objective.variables], [*followed[1], *metrics]) as held,
        made_by.remembered(),
        masking.table(),
    ):
        logits.note_each(outputs, found[0])
        attach_each(outputs, found[1])
        objective.update(y, outputs, *rest)
        return held.collect(objective.variables), held.collect(followed[0])
