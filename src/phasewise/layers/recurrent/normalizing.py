"""A cell whose terms are normalized: what it is of that, and how it goes over a whole sequence."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from phasewise.core import padding, registry
from phasewise.core.arguments import check_count
from phasewise.core.types import Array, Config
from phasewise.kernels import normalized_recurrence
from phasewise.kernels.normalized_recurrence import Sequence
from phasewise.kernels.recurrent import is_by_gate, multiplied, thinned
from phasewise.kernels.recurrent_terms import batch_moments, before_product, product_of_mean
from phasewise.layer.wrapping import build_inside
from phasewise.layers.normalization.affine import check_number
from phasewise.layers.recurrent.terms import BatchTerm, LayerTerm

NORMALIZATION = ("normalization", "normalization_steps", "normalization_momentum", "normalization_epsilon")


class Normalizing:
    """What a `RecurrentCell` is of that its terms can be normalized."""

    normalizes_carry = False

    def _set_normalization(self, normalization, steps, momentum, epsilon):
        self.terms, self.terms_name = [], self.name
        self.normalization = registry.one_of(self._owner, "normalization", normalization, (None, "batch", "layer"))
        self.normalization_steps = check_count(self._owner, "normalization_steps", steps)
        self.normalization_momentum, self.normalization_epsilon = momentum, epsilon

    @property
    def normalization_momentum(self) -> float:
        """The weight of the past in the moving statistics. Assigning takes effect at the next call."""
        return self._momentum

    @normalization_momentum.setter
    def normalization_momentum(self, value: float) -> None:
        self._momentum = check_number(self._owner, "normalization_momentum", value, 0, 1, low_included=True)
        for term in self.terms:
            term.momentum = self._momentum

    @property
    def normalization_epsilon(self) -> float:
        """What is added to a variance. Assigning takes effect at the next call."""
        return self._epsilon

    @normalization_epsilon.setter
    def normalization_epsilon(self, value: float) -> None:
        self._epsilon = check_number(self._owner, "normalization_epsilon", value, 0, low_included=True)
        for term in self.terms:
            term.epsilon = self._epsilon

    def normalized_runner(self, normalizers: tuple[Any, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The function of `kernels.normalized_recurrence` for this cell, and its first arguments."""
        if not self.has_own_functions():
            return normalized_recurrence.normalized_recurrence, (self.step(), normalizers)
        step = normalized_recurrence.step_of(self.step(), normalizers)
        return normalized_recurrence.normalized_recurrence_of_any_step, (step,)

    def make_terms(self) -> None:
        """Makes and builds `terms`: the input's product, the state's, and perhaps the carry."""
        self.terms = [] if self.normalization is None else _terms_of(self)
        for term in self.terms:
            build_inside(self, term)

    def normalization_config(self) -> Config:
        """The arguments, where they are used: Keras knows none of them."""
        return {} if self.normalization is None else {name: getattr(self, name) for name in NORMALIZATION}


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
    if how[0].hands_out:
        of_input = product
    elif how[0].collects and of_input is None:
        of_input = batch_moments(x, kernel, by_gate, counted, 1)
    for term, use, found in zip(cell.terms, uses, (of_input, *inside)):
        if use.normalizer.hands_out:
            term._moving_statistics.record_rows_of_steps(first, counted, found)
        else:
            term.end(use, first, counts, found)
    return outputs, last


def _counted(state, mask, time):
    """Which rows are in the moments of each step, boolean (time, batch): those that are not masked, of the real ones; None for all."""
    real = padding.mask_for(state)
    if real is None:
        return mask
    real = jnp.broadcast_to(real.reshape(1, -1), (time, len(state)))
    return real if mask is None else mask & real


def _terms_of(cell):
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
