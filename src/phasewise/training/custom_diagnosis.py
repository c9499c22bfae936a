"""Where NaN or infinity comes from in a `train_step` of a user's own: the step is made once more, not compiled, and every layer call looked at."""

import jax
import numpy as np

from phasewise.core.followed import Followed
from phasewise.switch import tap
from phasewise.training.custom_step import CustomTrainStep
from phasewise.training.diagnosis import Finding, bad_rows, in_data, in_rows, named


def diagnose_custom(model, task, cells, state, batch):
    """As `diagnose`.

    Args:
        cells: the `CustomCells` of the step.
        state: the good state before the step.
        batch: the batch as the data gave it, as NumPy arrays.
    """
    parts = batch if isinstance(batch, tuple) else (batch,)
    found = in_data((*parts, None, None)[:3])
    if found is not None:
        return found
    calls, followed = [], Followed()
    followed.variables = cells.followed.variables

    def see(layer, args, outputs):
        leaves = [leaf for leaf in jax.tree.leaves(outputs) if np.issubdtype(leaf.dtype, np.floating)]
        jax.debug.callback(lambda *arrays, of=layer: calls.append((of, bad_rows(arrays))), *leaves)
        return outputs

    step = CustomTrainStep(model, task, cells, followed)
    with tap.tapped(see):
        after, _ = step(state, batch, None, (), cells.found.calls.draws)
    jax.effects_barrier()
    for layer, rows in calls:
        if len(rows):
            text = f"the output of {named(layer)} is not finite{in_rows(rows)}"
            return Finding("output", layer.name, rows, text)
    return _in_what_follows(model, task, after)


def _in_what_follows(model, task, after):
    none = np.empty(0, int)
    for name, value in after["logs"].items():
        if not np.isfinite(np.asarray(value, np.float64)).all():
            return Finding(
                "loss", None, none, f"all outputs are finite, but {name!r}, which train_step returns, is not"
            )
    for variable, value in zip(model._inventory().trained, after["params"]):
        if not np.isfinite(np.asarray(value, np.float64)).all():
            text = f"all outputs and what train_step returns are finite, but after the update the weight {variable.path!r} is not"
            return Finding("gradient", None, none, text)
    return Finding(
        "update",
        None,
        none,
        "all outputs and what train_step returns are finite, but a variable or an optimizer's state is not",
    )
