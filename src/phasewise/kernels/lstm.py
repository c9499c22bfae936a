"""Long short-term memory over a whole sequence as one operation, native where it can be: a loop of XLA's takes twenty steps of its
own for each step of the sequence, and long to compile.

The operation and its gradient are those of `kernels.recurrent.recurrence` with `lstm_step(tanh, sigmoid)`; only for float32, and
where recurrent dropout has one mask for all gates.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from phasewise.kernels.native.library import KERNELS, are_at_hand
from phasewise.kernels.native.operation import operation
from phasewise.kernels.over_time import held, over_time


def suits(projected, states, weights, kept, mask):
    """Whether `lstm` is to compute this; the arguments are those of `kernels.recurrent.recurrence`."""
    kernel, bias = weights
    arrays = [array for array in (projected, *states, kernel, bias, kept) if array is not None]
    return (
        all(array.dtype == np.float32 for array in arrays)
        and all(isinstance(size, int) for array in arrays for size in array.shape)
        and all(state.shape == (projected.shape[1], kernel.shape[0]) for state in states)
        and projected.size > 0
        and (kept is None or kept.shape == (projected.shape[1], 1, kernel.shape[0]))
        and (mask is None or mask.shape == projected.shape[:2])
        and are_at_hand(*arrays)
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def lstm(sequences, projected, states, weights, kept, mask):
    """The outputs (time, batch, units), or None without `sequences`, and the last states: see `kernels.recurrent.recurrence`."""
    outputs, last_c, _, _ = _LSTM.bind(*_given(projected, states, weights, kept, mask), keeps=False)
    return _results(sequences, outputs, last_c)


def _given(projected, states, weights, kept, mask):
    kernel, bias = weights
    absent = jnp.zeros(0, jnp.float32)
    return (
        projected,
        *states,
        kernel,
        absent if kept is None else kept[:, 0],
        jnp.zeros((0, 0), bool) if mask is None else mask.astype(bool),
        absent if bias is None else bias,
    )


def _results(sequences, outputs, last_c):
    return (outputs if sequences else None), (outputs[-1], last_c)


def _forward(sequences, *arguments):
    given = _given(*arguments)
    outputs, last_c, gates, carries = _LSTM.bind(*given, keeps=True)
    return _results(sequences, outputs, last_c), (given, gates, outputs, carries)


def _backward(sequences, residuals, cotangents):
    (_, h0, c0, kernel, kept, mask, bias), gates, outputs, carries = residuals
    d_outputs, (d_h, d_c) = cotangents
    d_outputs = jnp.zeros(0, jnp.float32) if d_outputs is None else d_outputs
    d_sums, d_h0, d_c0 = _GRADIENT.bind(gates, h0, c0, kernel, kept, mask, carries, d_outputs, d_h, d_c)
    before = jnp.concatenate([h0[None], outputs[:-1]])
    before = before * kept if kept.size else before
    flat = d_sums.reshape(-1, d_sums.shape[-1])
    d_kernel = jnp.matmul(before.reshape(-1, before.shape[-1]).T, flat)
    d_bias = flat.sum(0) if bias.size else None
    return d_sums, (d_h0, d_c0), (d_kernel, d_bias), None, None


lstm.defvjp(_forward, _backward)


def _split(sums):
    i, f, g, o = jnp.split(sums, 4, axis=-1)
    return jax.lax.logistic(i), jax.lax.logistic(f), jax.lax.tanh(g), jax.lax.logistic(o)


def _thinned(x, kept):
    return x * kept if kept.size else x


def _plain(projected, h0, c0, kernel, kept, mask, bias, *, keeps):
    def body(states, inputs):
        x, real = inputs
        h, c = states
        sums = x + jnp.matmul(_thinned(h, kept), kernel)
        i, f, g, o = _split(sums + bias if bias.size else sums)
        carry = f * c + i * g
        new = held(real, (o * jax.lax.tanh(carry), carry), states)
        return new, (new, jnp.concatenate([i, f, g, o], axis=-1) if keeps else None)

    inputs = projected, (mask if mask.size else None)
    (_, last_c), ((outputs, carries), gates) = over_time(body, (h0, c0), inputs, unroll=False)
    if not keeps:
        gates = carries = jnp.zeros(0, projected.dtype)
    return [outputs, last_c, gates, carries]


def _plain_gradient(gates, h0, c0, kernel, kept, mask, carries, d_outputs, d_h, d_c):
    def body(gradients, inputs):
        gates, before, after, real, d_output = inputs
        d_h, d_c = gradients if d_output is None else (gradients[0] + d_output, gradients[1])
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        out = jax.lax.tanh(after)
        d_carry = d_c + d_h * o * (1 - out * out)
        parts = (
            d_carry * g * i * (1 - i),
            d_carry * before * f * (1 - f),
            d_carry * i * (1 - g * g),
            d_h * out * o * (1 - o),
        )
        d_sums = held(real, jnp.concatenate(parts, axis=-1), jnp.zeros_like(gates))
        d_before = _thinned(jnp.matmul(d_sums, kernel.T), kept)
        return held(real, (d_before, d_carry * f), (d_h, d_c)), d_sums

    before = jnp.concatenate([c0[None], carries[:-1]])
    inputs = gates, before, carries, (mask if mask.size else None), (d_outputs if d_outputs.size else None)
    (d_h, d_c), d_sums = over_time(body, (d_h, d_c), inputs, unroll=False, reverse=True)
    return [d_sums, d_h, d_c]


def _derivative_of(primitive, plain, place_of_mask=5):
    """The rule for `primitive`: the derivative is that of its implementation in XLA's operations."""

    def rule(arrays, tangents, **how):
        mask = arrays[place_of_mask]

        def of(*others):
            return plain(*others[:place_of_mask], mask, *others[place_of_mask:], **how)

        without = [each for number, each in enumerate(arrays) if number != place_of_mask]
        moving = [ad.instantiate_zeros(each) for number, each in enumerate(tangents) if number != place_of_mask]
        return jax.jvp(of, tuple(without), tuple(moving))

    ad.primitive_jvps[primitive] = rule


_LSTM = operation("phasewise_lstm", _plain, KERNELS, "phasewise_lstm", lambda *arrays, keeps: {})
_GRADIENT = operation(
    "phasewise_lstm_gradient", _plain_gradient, KERNELS, "phasewise_lstm_gradient", lambda *arrays: {}
)
_derivative_of(_LSTM, _plain)
_derivative_of(_GRADIENT, _plain_gradient)
