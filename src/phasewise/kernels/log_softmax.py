"""The logarithm of the softmax, with all its digits where a probability is next to 1 as well as next to 0."""

import jax.numpy as jnp


def log_softmax(x, axis):
    """x - max(x) - log(1 + the sum of exp(x - max(x)) over all entries but the largest), along `axis`.

    Left out of the sum, the largest entry's 1 does not round the others away: a probability of 1 - 1e-12 has the logarithm
    -1e-12, and the gradient that goes with it, where log(sum(exp)) gives 0.

    Args:
        x: array of float32 or wider; -inf is a probability of 0.
        axis: int.
    """
    places = jnp.arange(x.shape[axis]).reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    is_largest = places == jnp.argmax(x, axis, keepdims=True)
    largest = jnp.where(is_largest, x, 0).sum(axis, keepdims=True)
    below = jnp.where(is_largest, 0, x - largest)
    others = jnp.where(is_largest, 0, jnp.exp(below)).sum(axis, keepdims=True)
    return below - jnp.log1p(others)
