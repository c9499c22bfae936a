"""Attention: each query's mean of the values, weighted by how well their keys fit it."""

import functools

import jax
import jax.numpy as jnp

from phasewise.kernels.moments import wide


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def masked_softmax(scores, mask, axes):
    """exp(s) over its sum along `axes`, taken over the entries where `mask` holds; 0 at the others.

    Args:
        scores: array of float32 or wider.
        mask: boolean array that broadcasts against `scores`, or None.
        axes: tuple of int.

    Returns:
        An array of the shape of `scores`. Where all of `axes` is masked it is 0, with the gradient 0.
    """
    kept = scores if mask is None else jnp.where(mask, scores, -jnp.inf)
    largest = jnp.maximum(kept.max(axes, keepdims=True), jnp.finfo(scores.dtype).min)
    powers = jnp.exp(kept - largest)
    return powers / jnp.maximum(powers.sum(axes, keepdims=True), 1)  # a largest entry counts 1, so less means no entry


@masked_softmax.defjvp
def _tangent(axes, primals, tangents):
    p = masked_softmax(*primals, axes)
    moved = p * tangents[0]
    return p, moved - p * moved.sum(axes, keepdims=True)


def products(equation, query, key, scale):
    """The dot products of queries and keys times `scale`, in float32 or wider.

    Args:
        equation: of `einsum`, from queries and keys to scores.
        query, key: arrays of one floating dtype.
        scale: number.
    """
    accumulated = jnp.promote_types(query.dtype, jnp.float32)
    return jnp.einsum(equation, query, key, preferred_element_type=accumulated) * scale


def sums_of_tanh(query, key, scale=None):
    """sum(scale * tanh(q + k)) over the features: the scores of Bahdanau et al. (2015), in float32 or wider.

    Args:
        query, key: (..., queries, features), (..., keys, features).
        scale: (features,), a scalar, or None for 1.

    Returns:
        (..., queries, keys).
    """
    bent = jnp.tanh(wide(query)[..., :, None, :] + wide(key)[..., None, :, :])
    return (bent if scale is None else wide(scale) * bent).sum(-1)


def weighted_sums(equation, weights, value):
    """The values weighted and added up, in the dtype of `value`, accumulated in float32 or wider.

    Args:
        equation: of `einsum`, from weights and values to the result.
        weights: float32 or wider; rounded to the dtype of `value` before.
        value: any floating dtype.
    """
    return jnp.einsum(equation, weights.astype(value.dtype), value)


def causal(queries, keys):
    """A boolean (queries, keys): query i sees keys 0 to i."""
    return jnp.arange(queries)[:, None] >= jnp.arange(keys)


def within(window, queries, keys):
    """A boolean (queries, keys): query i sees the keys at most `window - 1` places before or behind it."""
    return jnp.abs(jnp.arange(queries)[:, None] - jnp.arange(keys)) < window
