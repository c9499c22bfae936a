"""Recurrence whose terms are normalized at every step, and its gradient.

Cooijmans et al. (2017), "Recurrent Batch Normalization", equations 6 to 8: `BN(x W) + BN(h U) + b` go into the step, and the carry
of an LSTM goes through BN to the output.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from phasewise.kernels.moments import wide
from phasewise.kernels.over_time import held, over_time
from phasewise.kernels.recurrent import is_by_gate, multiplied, thinned
from phasewise.kernels.recurrent_terms import (
    Term,
    after_product,
    before_product,
    normalized_carry,
    normalized_product,
    product_of_mean,
    row_count,
)


class Sequence(NamedTuple):
    """What the loop reads at each step.

    Attributes:
        product: (time, batch, gates * units), the kernel's product of what `before_product` gave of the input.
        mean: (time, 1, gates * units), the product of its mean; needed for "blend", else None.
        mask: boolean (time, batch), False where the state is held, or None.
        counted: boolean (time, batch), which rows are in the moments, or None for all.
        statistics: for each term those of `Term`, with the axes (time, 1, channels), or None.
    """

    product: jax.Array
    mean: jax.Array | None
    mask: jax.Array | None
    counted: jax.Array | None
    statistics: tuple


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def normalized_recurrence(step, normalizers, sequences, unroll, sequence, states, weights, terms, kept=None):
    """A cell whose step is entry by entry but for one product, over a sequence.

    Args:
        step: a `recurrent.Step`.
        normalizers: a `Normalizer` for the input's product, for the state's, and for the carry, or None where that is as it is.
        sequences, unroll, states, kept: those of `recurrent.recurrence`.
        sequence: `Sequence`.
        weights: (recurrent kernel, the bias of the input's product, that of the state's); a bias may be None.
        terms: a `Term` for each normalizer, whose statistics are in the sequence; or None.

    Returns:
        (outputs (time, batch, units) or None, the last states, moments: of the input's product the variances (time, channels), of the
        state's and the carry (mean, variance), each (time, channels); None where they were not found).
    """
    if any(n is not None and (n.uses == "blend" or n.collects or n.hands_out) for n in normalizers):
        body = step_of(step, normalizers)
        return normalized_recurrence_of_any_step(body, sequences, unroll, sequence, states, weights, terms, kept)
    return _recurrence(step, normalizers, sequences, unroll, sequence, states, weights, terms, kept)


def normalized_recurrence_of_any_step(step, sequences, unroll, sequence, states, weights, terms, kept=None):
    """As `normalized_recurrence`, for `step(now, states, weights, terms, kept) -> (states, moments)` of any kind, `now` a `Sequence`
    of one step; its gradient is JAX's."""

    def body(states, now):
        new, found = step(now, states, weights, terms, kept)
        new = held(now.mask, new, states)
        return new, (new[0] if sequences else None, found)

    last, (outputs, found) = jax.lax.scan(body, states, sequence, unroll=bool(unroll) or 1)
    return outputs, last, found


def step_of(step, normalizers):
    """A `recurrent.Step` as one for `normalized_recurrence_of_any_step`."""

    def whole(now, states, weights, terms, kept):
        state, by_gate = thinned(states[0], kept), is_by_gate(kept)
        hidden = terms[1]._replace(statistics=now.statistics[1])
        y, of_hidden = normalized_product(normalizers[1], state, weights[0], by_gate, hidden, now.counted)
        new, (of_input, of_carry) = _stepped(step, normalizers, y, now, states, weights[1:], terms)
        return new, (of_input, of_hidden, of_carry)

    return whole


def gru_step_reset_before(activation, recurrent_activation, normalizers):
    """`recurrent.gru_step_reset_before` with its two products, of h and of R h, normalized, for
    `normalized_recurrence_of_any_step`."""
    phi, sigma = activation or _linear, recurrent_activation or _linear

    def step(now, states, weights, terms, kept):
        kernel, h = weights[0], states[0]
        units = kernel.shape[0]

        def product(state, kept, part, group):
            statistics = now.statistics[1] and (
                *(each[:, part] for each in now.statistics[1][:2]),
                now.statistics[1][2],
            )
            term = Term(terms[1].gamma[part], None, statistics)
            normalizer = normalizers[1]._replace(groups=normalizers[1].groups[group : group + 1])
            by_gate = is_by_gate(kept)
            return normalized_product(normalizer, thinned(state, kept), kernel[:, part], by_gate, term, now.counted)

        projected, of_input = _projected(normalizers[0], now, weights[1], terms[0])
        x_z, x_r, x_n = jnp.split(projected, 3, axis=-1)
        of_gates, found = product(h, kept[:, :2] if is_by_gate(kept) else kept, slice(0, 2 * units), 0)
        u_z, u_r = jnp.split(of_gates, 2, axis=-1)
        update = sigma(x_z + u_z)
        reset, kept_last = sigma(x_r + u_r) * h, None if kept is None else kept[:, -1:]
        u_n, found_last = product(reset, kept_last, slice(2 * units, None), 1)
        of_hidden = jax.tree.map(lambda a, b: jnp.concatenate([a, b], -1), found, found_last)
        return (update * h + (1 - update) * phi(x_n + u_n),), (of_input, of_hidden, None)

    return step


def _linear(x):
    return x


def _projected(normalizer, now, bias, term):
    """(what the input brings to a step, normalized, the variance of its batch (channels,) or None)."""
    count = row_count(now.counted, now.product.shape[0])
    term = term._replace(statistics=now.statistics[0])
    y, variance = after_product(normalizer, wide(now.product), now.mean, term, count)
    return y if bias is None else y + bias, None if variance is None else jax.lax.stop_gradient(variance[0])


def _stepped(step, normalizers, y, now, states, biases, terms):
    """(the states after a step whose normalized product is `y`, the moments of the input's product and of the carry, or None)."""
    projected, of_input = _projected(normalizers[0], now, biases[0], terms[0])
    y = y if biases[1] is None else y + biases[1]
    if normalizers[2] is None:
        return step(projected, y, states), (of_input, None)
    found = []

    def of_carry(carry):
        term = terms[2]._replace(statistics=now.statistics[2])
        z, moments_of_carry = normalized_carry(normalizers[2], carry, term, now.counted)
        found.append(moments_of_carry)
        return z

    return step(projected, y, states, of_carry), (of_input, found[0])


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2, 3))
def _recurrence(step, normalizers, sequences, unroll, sequence, states, weights, terms, kept):
    def remembered(states, new, product):
        return new[0] if sequences else None

    outputs, last, found = _run(step, normalizers, unroll, sequence, states, weights, terms, kept, remembered)
    return outputs, last, found


def _run(step, normalizers, unroll, sequence, states, weights, terms, kept, remembered):
    kernel, *biases = weights

    def body(states, now):
        state, mean = before_product(normalizers[1], thinned(states[0], kept), now.counted, 0)
        product = multiplied(state, kernel, is_by_gate(kept))
        new, found = _after(step, normalizers, product, now, states, biases, terms)
        new = held(now.mask, new, states)
        return new, (remembered(states, new, product), mean, found)

    last, (history, means, (of_input, variances, of_carry)) = over_time(body, states, sequence, unroll=unroll)
    of_hidden = None if means is None else (product_of_mean(means, kernel, is_by_gate(kept))[:, 0], variances)
    return history, last, (of_input, of_hidden, of_carry)


def _after(step, normalizers, product, now, states, biases, terms):
    """(the states after a step, (variance of the input's product, of the state's, moments of the carry), or None for each)."""
    count = row_count(now.counted, product.shape[0])
    hidden = terms[1]._replace(statistics=now.statistics[1])
    y, variance = after_product(normalizers[1], product, None, hidden, count)
    new, (of_input, of_carry) = _stepped(step, normalizers, y, now, states, biases, terms)
    return new, (of_input, None if variance is None else variance[0], of_carry)


def _forward(step, normalizers, sequences, unroll, sequence, states, weights, terms, kept):
    def remembered(states, new, product):
        return product, states, new[0] if sequences else None

    (products, before, outputs), last, found = _run(
        step, normalizers, unroll, sequence, states, weights, terms, kept, remembered
    )
    return (outputs, last, found), (sequence, weights, terms, kept, products, before)


def _backward(step, normalizers, sequences, unroll, residuals, cotangents):
    sequence, weights, terms, kept, products, before = residuals
    d_outputs, d_last, _ = cotangents
    kernel, *biases = weights

    def product_of(h, kernel, counted, axis=0):
        state, _ = before_product(normalizers[1], thinned(h, kept), counted, axis)
        return multiplied(state, kernel, is_by_gate(kept))

    def body(carried, inputs):
        (d_states, d_learned), (given, now, states, d_output) = carried, inputs
        if d_output is not None:
            d_states = (d_states[0] + d_output, *d_states[1:])
        d_new = held(now.mask, d_states, jax.tree.map(jnp.zeros_like, d_states))

        def stepped(given, states, learned):
            product, of_input = given
            return _after(step, normalizers, product, now._replace(product=of_input), states, *learned)[0]

        d_given, d_before, d_now = jax.vjp(stepped, given, states, (biases, terms))[1](d_new)
        (d_h,) = jax.vjp(lambda h: product_of(h, kernel, now.counted), states[0])[1](d_given[0])
        d_before = (d_before[0] + d_h, *d_before[1:])
        if now.mask is not None:
            not_held = held(now.mask, jax.tree.map(jnp.zeros_like, d_states), d_states)
            d_before = jax.tree.map(jnp.add, d_before, not_held)
        return (d_before, jax.tree.map(jnp.add, d_learned, d_now)), (d_given,)

    first = d_last, jax.tree.map(jnp.zeros_like, (biases, terms))
    inputs = (products, sequence.product), sequence._replace(product=None), before, d_outputs
    carried, ((d_products, d_of_input),) = over_time(body, first, inputs, reverse=True, unroll=unroll, in_place=True)
    d_states, (d_biases, d_terms) = carried
    _, pull = jax.vjp(lambda kernel: product_of(before[0], kernel, sequence.counted, 1), kernel)
    d_sequence = Sequence(d_of_input, None, None, None, (None,) * len(terms))
    return d_sequence, d_states, (pull(d_products)[0], *d_biases), d_terms, None


_recurrence.defvjp(_forward, _backward)
