"""A cell over a whole sequence, its terms normalized at every step."""

from typing import Any

import jax.numpy as jnp

from phasewise.core import padding
from phasewise.core.types import Array
from phasewise.kernels.normalized_recurrence import Sequence, batch_moments, before_product, product_of_mean
from phasewise.kernels.recurrent import is_by_gate, multiplied, thinned
from phasewise.layers.recurrent.terms import BatchTerm, LayerTerm, RecurrentTerm


def make_terms(cell: Any) -> list[RecurrentTerm]:
    """The terms of a `RecurrentCell` that is normalized, not yet built: the input's product, the state's, and perhaps the carry."""
    if cell.normalization is None:
        return []
    units, width = cell.units, cell.gates * cell.units
    # Where a third part of the gates is a new state of its own, as in a GRU, Ba et al. (2016) normalize it by itself.
    groups = (2 * units, units) if cell.gates == 3 else (width,)
    terms = [("input_to_hidden", width, False, groups), ("hidden_to_hidden", width, False, groups)]
    if cell.normalizes_carry:
        terms.append(("cell_output", units, True, (units,)))
    made = []
    for name, channels, center, groups in terms:
        arguments = {
            "channels": channels,
            "center": center,
            "epsilon": cell.normalization_epsilon,
            "name": f"{cell.terms_name}_{name}",
            "trainable": cell.trainable,
            "dtype": cell.dtype_policy,
        }
        if cell.normalization == "layer":
            made.append(LayerTerm(groups=groups, **arguments))
        else:
            momentum, steps = cell.normalization_momentum, cell.normalization_steps
            made.append(BatchTerm(steps=steps, momentum=momentum, fed_with=cell.terms_name, **arguments))
    return made


def normalized_over_time(
    cell: Any,
    inputs: Array,
    states: tuple[Array, ...],
    kept: tuple[Array | None, Array | None],
    training: bool | None,
    *,
    sequences: bool,
    mask: Array | None,
    unroll: bool,
    first: Any,
) -> tuple[Array | None, tuple[Array, ...]]:
    """(outputs (time, batch, units) or None, the last states), in float32 or wider.

    Args:
        cell: a `RecurrentCell` with terms.
        kept: what dropout multiplies the inputs by, and the state.
        inputs, states, training, sequences, mask, unroll, first: those of `RecurrentCell.over_time`.
    """
    (time, rows), kernel, by_gate = inputs.shape[:2], cell.kernel.value, is_by_gate(kept[0])
    counted = _counted(states[0], mask, time)
    counts = rows if counted is None else counted.sum(1, dtype=jnp.float32)
    uses = [term.begin(training, first, counts, (time, rows)) for term in cell.terms]
    how, arrays = ([*each, None][:3] for each in ([use.normalizer for use in uses], [use.arrays for use in uses]))
    x = thinned(inputs, kept[0])
    factor, mean = before_product(how[0], x, counted, 1)
    mean = None if mean is None else product_of_mean(mean, kernel, by_gate)
    product, statistics = multiplied(factor, kernel, by_gate), tuple(each and each.statistics for each in arrays)
    sequence = Sequence(product, mean if how[0].uses == "blend" else None, mask, counted, statistics)
    run, arguments = cell.normalized_runner(tuple(how))
    outputs, last, (variance, *inside) = run(
        *arguments,
        sequences,
        unroll,
        sequence,
        states,
        (cell.recurrent_kernel.value, *cell.biases()),
        tuple(each and each._replace(statistics=None) for each in arrays),
        kept[1],
    )
    of_input = None if variance is None else (mean[:, 0], variance)
    if how[0].collects and of_input is None:
        of_input = batch_moments(x, kernel, by_gate, counted, 1)
    for term, use, moments in zip(cell.terms, uses, (of_input, *inside)):
        term.end(use, first, counts, moments)
    return outputs, last


def _counted(state, mask, time):
    """Which rows are in the moments of each step, boolean (time, batch): those that are not masked, of the real ones; None for all."""
    real = padding.mask_for(state)
    if real is None:
        return mask
    real = jnp.broadcast_to(real.reshape(1, -1), (time, len(state)))
    return real if mask is None else mask & real
