"""Where NaN or infinity comes from: one training step is repeated with a tap on every layer."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import logits, made_by
from phasewise.kernels.finite import all_finite
from phasewise.switch import tap
from phasewise.training.step import call_purely

MOST_ROWS = 512  # for how many rows it is tried one by one which of them causes it


@dataclasses.dataclass
class Finding:
    """The place (see `NonFiniteError`), the layer's name or None, the rows, and all of it in words."""

    where: str
    layer: str | None
    rows: np.ndarray
    text: str


@dataclasses.dataclass
class Seen:
    """What the taps saw of one layer call, as lists of arrays: its outputs, the logits of those that are probabilities (the loss
    is computed from these), and the outputs' gradients."""

    layer: object
    outputs: list
    logits: list
    gradients: list


_TOO_FAR = "loss and gradients are finite, but a weight or the optimizer's state is not after the update; is the learning rate too large?"


def diagnose(model, state, batch):
    """Find the first thing that is not finite in a training step.

    Args:
        model: compiled.
        state: the good state before the step.
        batch: (x, y, sample_weight) as NumPy arrays.

    Returns:
        A `Finding`.
    """
    if (found := in_data(batch)) is not None:
        return found
    seen, losses, params, statistics = _repeat(model, state, batch)
    return (
        _in_an_output(model, state, batch, seen)
        or _in_a_statistic(model, state, batch, statistics)
        or _in_the_loss(model, losses)
        or _in_a_gradient(model, seen, params)
        or Finding("update", None, np.empty(0, int), model.optimizer.wrong_rate(state["optimizer"]) or _TOO_FAR)
    )


def in_data(batch):
    """The `Finding` of NaN and infinity in a batch (x, y, sample_weight), or None."""
    for where, words, part in (("input", "input", batch[0]), ("labels", "labels", batch[1:])):
        rows = bad_rows(jax.tree.leaves(part))
        if len(rows):
            return Finding(where, None, rows, f"the {words} of the batch hold NaN or infinity{in_rows(rows)}")
    return None


def bad_rows(arrays):
    """The rows in which some array is not finite."""
    rows = set()
    for array in arrays:
        array = np.asarray(array)
        if array.ndim and array.dtype.kind not in "iub":
            rows.update(np.flatnonzero(~np.isfinite(array.astype(np.float64)).reshape(len(array), -1).all(1)).tolist())
    return np.array(sorted(rows), int)


def _in_an_output(model, state, batch, seen):
    for call in seen:
        rows, what = bad_rows(call.outputs), "the output"
        if not len(rows):
            rows, what = bad_rows(call.logits), "what goes into the sigmoid or softmax"
        if len(rows):
            if len(rows) == len(np.asarray(call.outputs[0])) > 1:
                rows = _causes(model, state, batch, rows)
            text = f"{what} of {named(call.layer)} is not finite{in_rows(rows)}"
            return Finding("output", call.layer.name, rows, text)
    return None


def _in_a_statistic(model, state, batch, statistics):
    """All outputs are finite: a batch whose variance overflows is normalized to 0."""
    for variable, value in statistics:
        if not np.isfinite(np.asarray(value, np.float64)).all():
            rows, layer = _causes(model, state, batch, np.empty(0, int)), _owner(model, variable)
            text = (
                f"all outputs are finite, but {variable.name!r} of {named(layer)} is not after the batch{in_rows(rows)}"
            )
            return Finding("update", layer.name, rows, text)
    return None


def _owner(model, variable):
    return next(layer for layer in model._inventory().layers if any(v is variable for v in layer._found().variables))


def _in_the_loss(model, losses):
    for name, values in losses.items():
        if not np.isfinite(np.asarray(values, np.float64)).all():
            rows = bad_rows([values])
            what = f"the loss of output {name!r}" if name else "a loss that a layer or a regularizer adds"
            return Finding("loss", name, rows, f"all outputs are finite, but {what} is not{in_rows(rows)}")
    return None


def _in_a_gradient(model, seen, params):
    """Gradients flow from the last call to the first: the call after the last that lacks a finite one is the cause."""
    for place in reversed(range(len(seen))):
        rows = bad_rows(seen[place].gradients)
        if len(rows):
            after = [call for call in seen[place + 1 :] if not isinstance(call.layer, type(model))] or seen[place:]
            name = named(after[0].layer)
            text = f"all outputs and losses are finite, but the gradient that {name} passes back is not{in_rows(rows)}"
            return Finding("gradient", after[0].layer.name, rows, text)
    for variable, gradient in params:
        if not np.isfinite(np.asarray(gradient, np.float64)).all():
            owner = next((c.layer for c in seen if any(v is variable for v in c.layer._found().variables)), None)
            text = f"all outputs and losses are finite, but the gradient of the weight {variable.path!r} is not"
            return Finding("gradient", owner and owner.name, np.empty(0, int), text)
    return None


def _causes(model, state, batch, rows):
    """Where all rows of an output are bad because rows see each other: the single rows without which it is good."""
    x = batch[0]
    count = len(jax.tree.leaves(x)[0])
    if count > MOST_ROWS:
        return rows

    @jax.jit
    def is_good(row):
        other = jnp.where(row == 0, 1, 0)
        replaced = jax.tree.map(lambda a: jnp.asarray(a).at[row].set(jnp.asarray(a)[other]), x)
        outputs, _, after = call_purely(model, state, replaced, task="fit")
        return all_finite(outputs, after)

    found = [row for row in range(count) if is_good(row)]
    return np.array(found, int) if found else rows


def _repeat(model, state, batch):
    """The step's calls, losses by output name, and (variable, gradient) pairs, computed once more with taps."""
    x, y, sample_weight = batch
    objective, trained = model.objective, model.trainable_variables
    layers, structure = [], []

    def run(params, zeros):
        layers.clear()
        structure.clear()
        outputs_of = []

        def see(layer, args, outputs):
            leaves, tree = jax.tree.flatten(outputs)
            place = len(layers)
            if zeros is not None:
                leaves = [leaf if z is None else logits.follow(leaf + z, leaf) for leaf, z in zip(leaves, zeros[place])]
            layers.append(layer)
            structure.append([jax.ShapeDtypeStruct(a.shape, a.dtype) if _is_float(a) else None for a in leaves])
            logits_of = [found.values for found in map(logits.of, leaves) if found is not None]
            outputs_of.append((leaves, logits_of))
            return jax.tree.unflatten(tree, leaves)

        with made_by.remembered():
            with tap.tapped(see):
                predicted, added, after = call_purely(model, {**state, "params": params}, x, task="fit")
            total, _ = objective.total_loss(y, predicted, sample_weight)
            values = {**objective.values_by_output(y, predicted), "": jnp.stack([*added, jnp.float32(0)])}
        return sum(added, total), (outputs_of, values, after)

    jax.eval_shape(lambda params: run(params, None), state["params"])
    zeros = [[None if s is None else jnp.zeros(s.shape, s.dtype) for s in call] for call in structure]
    step = jax.jit(jax.value_and_grad(run, argnums=(0, 1), has_aux=True))
    (_, (outputs_of, values, after)), (gradients, taps) = step([jnp.asarray(p) for p in state["params"]], zeros)
    seen = [
        Seen(layer, *outputs, [g for g in taps_of if g is not None])
        for layer, outputs, taps_of in zip(layers, outputs_of, taps)
    ]
    return seen, values, list(zip(trained, gradients)), list(zip(model._inventory().others, after))


def _is_float(array):
    return jnp.issubdtype(array.dtype, jnp.floating)


def named(layer):
    """A layer in words."""
    return f"layer {layer.name!r} ({type(layer).__name__})"


def in_rows(rows):
    """Some row numbers in words; nothing for none."""
    if not len(rows):
        return ""
    shown = ", ".join(map(str, rows[:8])) + (f" and {len(rows) - 8} more" if len(rows) > 8 else "")
    return f" in row{'s' * (len(rows) > 1)} {shown}"
