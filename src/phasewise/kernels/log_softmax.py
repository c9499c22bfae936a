"""The logarithm of the softmax, with all its digits where a probability is next to 1 as well as next to 0."""

import functools

import jax
import jax.numpy as jnp


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def log_softmax(x, axis):
    """x - max(x) - log(1 + the sum of exp(x - max(x)) over all entries but the largest), along `axis`.

    Left out of the sum, the largest entry's 1 does not round the others away: a probability of 1 - 1e-12 has the logarithm
    -1e-12, where log(sum(exp)) gives 0, and the gradient that goes with it.

    Args:
        x: array of float32 or wider; -inf is a probability of 0.
        axis: int.
    """
    return _parts(x, axis)[0]


@log_softmax.defjvp
def _tangent(axis, primals, tangents):
    """t - sum(p t) for probabilities p, as (1 - p) t + (p t - sum(p t)).

    Backwards that is (1 - p) g + p (g - sum(g)): where all of the gradient g is at one entry, nothing cancels.
    """
    _, p, rest = _parts(primals[0], axis)
    moved = p * tangents[0]
    return log_softmax(primals[0], axis), rest * tangents[0] + (moved - moved.sum(axis, keepdims=True))


def _parts(x, axis):
    """log p, p and 1 - p, each to all its digits."""
    largest = x.max(axis, keepdims=True)
    below, are_largest = x - largest, x == largest
    powers = jnp.exp(below)
    others = jnp.where(are_largest, 0, powers).sum(axis, keepdims=True)
    others = others + (are_largest.sum(axis, keepdims=True, dtype=x.dtype) - 1)
    p = powers / (1 + others)
    # What 1 - p has lost next to 1 is put back as a constant: equal largest entries are differentiated through p.
    lost = jnp.where(are_largest, others / (1 + others) - (1 - p), 0)
    rest = (1 - p) + jax.lax.stop_gradient(lost)
    return jnp.where(are_largest, 0, below) - jnp.log1p(others), p, rest
