"""Recurrence: the steps of the simple, the LSTM and the GRU cell, and the loop over time with its gradient.

A step has two parts. A matrix product of the state before it with the recurrent kernel, and a function entry by entry of that
product, of what the input brings (`projected`, whose own product is taken for all steps at once, outside of the loop) and of the
state. Here both parts are given apart, so that the gradient of the kernel is one product over all steps after the loop, and not
a sum that the loop carries.
"""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import jax
import jax.numpy as jnp

from phasewise.kernels import lstm
from phasewise.kernels.matrix_product import matrix_product
from phasewise.kernels.moments import wide
from phasewise.kernels.over_time import held, over_time


class Step(NamedTuple):
    """A step entry by entry, once the product of the state is taken.

    Attributes:
        function: `(z, states) -> states`, z what the input brings and that product: their sum, or the pair of them.
        adds: whether z is their sum.
        whole: `whole.lstm` computes all steps in one operation, where `whole.suits` what is given; or None.
    """

    function: Callable
    adds: bool
    whole: ModuleType | None = None

    def __call__(self, projected, product, states, *of_carry):
        z = wide(projected) + product if self.adds else (wide(projected), product)
        return self.function(z, states, *of_carry)


def _linear(x):
    return x


@functools.cache
def simple_step(activation):
    """The step of Elman (1990): `h' = activation(x + u)`, for `recurrence`."""
    activation = activation or _linear

    return Step(lambda z, states: (activation(z),), adds=True)


@functools.cache
def lstm_step(activation, recurrent_activation, is_standard=False):
    """The step of Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000), for `recurrence`.

    With i, f, g, o the quarters of x + u: `c' = sigma(f) c + sigma(i) phi(g)` and `h' = sigma(o) phi(c')`; the function takes a
    third argument, where c' goes to phi through it. `is_standard` tells that phi is tanh and sigma the sigmoid.
    """
    phi, sigma = activation or _linear, recurrent_activation or _linear

    def step(z, states, of_carry=_linear):
        i, f, g, o = jnp.split(z, 4, axis=-1)
        carry = sigma(f) * states[1] + sigma(i) * phi(g)
        return sigma(o) * phi(of_carry(carry)), carry

    return Step(step, adds=True, whole=lstm if is_standard else None)


@functools.cache
def gru_step(activation, recurrent_activation):
    """The step of Cho et al. (2014) with the reset gate behind the product, for `recurrence`.

    With z, r, n the thirds: `h' = Z h + (1 - Z) phi(x_n + R u_n)`, Z = sigma(x_z + u_z) and R = sigma(x_r + u_r).
    """
    phi, sigma = activation or _linear, recurrent_activation or _linear

    def step(z, states):
        (x_z, x_r, x_n), (u_z, u_r, u_n) = (jnp.split(part, 3, axis=-1) for part in z)
        update = sigma(x_z + u_z)
        return (update * states[0] + (1 - update) * phi(x_n + sigma(x_r + u_r) * u_n),)

    return Step(step, adds=False)


@functools.cache
def gru_step_reset_before(activation, recurrent_activation):
    """The step of Cho et al. (2014) as published, the reset gate before the product; for `recurrence_of_any_step`.

    `h' = Z h + (1 - Z) phi(x_n + (R h) U_n)`, with Z and R as in `gru_step`.
    """
    phi, sigma = activation or _linear, recurrent_activation or _linear

    def step(projected, states, weights, kept):
        kernel, _ = weights
        h, units = states[0], kernel.shape[0]
        x_z, x_r, x_n = jnp.split(wide(projected), 3, axis=-1)
        gates = kept if kept is None or kept.shape[1] == 1 else kept[:, :2]
        u_z, u_r = jnp.split(recurrent_product(h, (kernel[:, : 2 * units], None), gates), 2, axis=-1)
        update = sigma(x_z + u_z)
        new = recurrent_product(
            sigma(x_r + u_r) * h, (kernel[:, 2 * units :], None), None if kept is None else kept[:, -1:]
        )
        return (update * h + (1 - update) * phi(x_n + new),)

    return step


def recurrent_product(h, weights, kept=None):
    """What the state before a step brings to it: its product with the recurrent kernel, in float32 or wider.

    Args:
        h: (batch, units).
        weights: (kernel, bias): (units, gates * units), in whose dtype the factors are taken, and (gates * units,) or None.
        kept: what recurrent dropout multiplies `h` by, (batch, 1, units), or (batch, gates, units) for a mask a gate; or None.
    """
    kernel, bias = weights
    product = multiplied(thinned(h, kept), kernel, is_by_gate(kept))
    return product if bias is None else product + bias


def is_by_gate(kept):
    """Whether dropout draws a mask for each gate."""
    return kept is not None and kept.shape[1] > 1


def thinned(x, kept):
    """What dropout leaves of `x`, (..., batch, features), `kept` that of `recurrent_product`: where there is a mask for each gate,
    (..., batch, gates, features)."""
    if kept is None:
        return x
    return x[..., None, :] * kept if is_by_gate(kept) else x * kept[:, 0]


def multiplied(x, kernel, by_gate):
    """The product of what `thinned` gave with a kernel, (..., batch, gates * units), in float32 or wider.

    Args:
        kernel: (features, gates * units), in whose dtype the factors are taken.
        by_gate: whether `x` has a mask for each gate.
    """
    accumulated = {"preferred_element_type": jnp.promote_types(kernel.dtype, jnp.float32)}
    x = x.astype(kernel.dtype)
    if not by_gate:
        return matrix_product(x, kernel, **accumulated)
    gates = kernel.reshape(kernel.shape[0], x.shape[-2], -1)
    return jnp.einsum("...gu,ugv->...gv", x, gates, **accumulated).reshape(*x.shape[:-2], -1)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def recurrence(step, sequences, unroll, projected, states, weights, kept=None, mask=None):
    """A cell whose step is entry by entry but for one product, over a sequence.

    Args:
        step: a `Step`.
        sequences: whether the outputs of all steps are wanted.
        unroll: whether the loop is written out.
        projected: (time, batch, gates * units), what the input brings to each step.
        states: tuple of (batch, units) in float32 or wider; the first is the output.
        weights, kept: those of `recurrent_product`.
        mask: boolean (time, batch), or None: where it is False the state is held.

    Returns:
        (outputs (time, batch, units) or None, the last states).
    """
    if step.whole and not unroll and step.whole.suits(projected, states, weights, kept, mask):
        return step.whole.lstm(sequences, projected, states, weights, kept, mask)
    return _recurrence(step, sequences, unroll, projected, states, weights, kept, mask)


def recurrence_of_any_step(step, sequences, unroll, projected, states, weights, kept=None, mask=None):
    """As `recurrence`, for `step(projected, states, weights, kept) -> states` of any kind; its gradient is JAX's."""

    def body(states, inputs):
        x, mask = inputs
        new = held(mask, step(x, states, weights, kept), states)
        return new, new[0] if sequences else None

    last, outputs = jax.lax.scan(body, states, (projected, mask), unroll=bool(unroll) or 1)
    return outputs, last


def with_product(step):
    """A step for `recurrence` as one for `recurrence_of_any_step`."""
    return lambda x, states, weights, kept: step(x, recurrent_product(states[0], weights, kept), states)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _recurrence(step, sequences, unroll, projected, states, weights, kept, mask):
    last, outputs = _run(step, unroll, projected, states, weights, kept, mask, lambda states, new, x, product: new[0])
    return outputs if sequences else None, last


def _run(step, unroll, projected, states, weights, kept, mask, remembered, **options):
    def body(states, inputs):
        x, mask = inputs
        product = recurrent_product(states[0], weights, kept)
        new = held(mask, step(x, product, states), states)
        return new, remembered(states, new, x, product)

    return over_time(body, states, (projected, mask), unroll=unroll, **options)


def _forward(step, sequences, unroll, projected, states, weights, kept, mask):
    def remembered(states, new, x, product):  # of a sum, the sum alone: memory is what a step waits for
        return wide(x) + product if step.adds else product, states, new[0] if sequences else None

    in_place = step.adds and projected.dtype == states[0].dtype
    last, (products, before, outputs) = _run(
        step, unroll, projected, states, weights, kept, mask, remembered, in_place=in_place
    )
    brought = products if step.adds else (projected, products)
    # The projected inputs themselves are kept for their dtype alone where the sum is: they are no longer read.
    return (outputs, last), (brought, projected[:0], weights, kept, mask, before)


def _backward(step, sequences, unroll, residuals, cotangents):
    brought, empty, weights, kept, mask, before = residuals
    d_outputs, d_last = cotangents

    def product(h, weights):
        return recurrent_product(h, weights, kept)

    def step_of(z, states):
        return step.function(z if step.adds else (wide(z[0]), z[1]), states)

    def body(d_states, inputs):
        z, states, mask, d_output = inputs
        if d_output is not None:
            d_states = (d_states[0] + d_output, *d_states[1:])
        d_new = held(mask, d_states, jax.tree.map(jnp.zeros_like, d_states))
        d_z, d_before = jax.vjp(step_of, z, states)[1](d_new)
        (d_h,) = jax.vjp(lambda h: product(h, weights), states[0])[1](d_z if step.adds else d_z[1])
        d_before = (d_before[0] + d_h, *d_before[1:])
        if mask is not None:
            d_before = jax.tree.map(jnp.add, d_before, held(mask, jax.tree.map(jnp.zeros_like, d_states), d_states))
        return d_before, (d_z,)

    inputs = brought, before, mask, d_outputs
    d_states, (d_z,) = over_time(body, d_last, inputs, reverse=True, unroll=unroll, in_place=True)
    d_projected, d_products = (d_z, d_z) if step.adds else d_z
    _, pull = jax.vjp(lambda weights: product(before[0], weights), weights)
    return d_projected.astype(empty.dtype), d_states, pull(d_products)[0], None, None


_recurrence.defvjp(_forward, _backward)
