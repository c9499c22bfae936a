"""Activations that look at a whole axis: the softmax family and the gated linear unit."""

import jax.numpy as jnp
from jax import lax

from phasewise.activations.activation import activation, check_axis, floating
from phasewise.core import logits
from phasewise.core.types import Array, ArrayLike
from phasewise.core.warning import PhasewiseWarning, warn


@activation()
def softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Array:
    """exp(x) over its sum along `axis`; adding a constant along the axis changes nothing.

    Args:
        x: array of any shape.
        axis: int, or tuple of ints to normalize over several axes together.

    Returns:
        An array like `x`, in [0, 1], with sum 1 along `axis`. An axis of size 1 gives 1 everywhere, with a warning.

    Raises:
        ValueError: `x` has no such axis.
    """
    x = floating(x)
    check_axis("softmax", x, axis)
    if isinstance(axis, int) and x.shape[axis] == 1:
        warn(
            f"softmax over axis {axis} of an array of shape {tuple(x.shape)}: the axis has size 1, so that the result "
            "is 1 everywhere. For one output that is a probability, use sigmoid.",
            PhasewiseWarning,
        )
    powers = jnp.exp(_below_its_maximum(x, axis))
    probabilities = powers / jnp.sum(powers, axis=axis, keepdims=True)
    return logits.note(probabilities, x, axis) if isinstance(axis, int) else probabilities


@activation()
def log_softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Array:
    """The logarithm of `softmax`, right where that rounds to 0.

    Args:
        x: array of any shape.
        axis: int or tuple of ints.

    Raises:
        ValueError: `x` has no such axis.
    """
    x = floating(x)
    check_axis("log_softmax", x, axis)
    shifted = _below_its_maximum(x, axis)
    return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=axis, keepdims=True))


@activation()
def sparsemax(x: ArrayLike, axis: int = -1) -> Array:
    """The point of the simplex nearest to `x` along `axis` (Martins & Astudillo 2016, algorithm 1).

    It differs from Keras 3.15, which adds up cumulative sums where the paper adds up entries: there the result has sum
    1 only where a single entry is positive.

    Args:
        x: array of any shape.
        axis: int.

    Returns:
        An array like `x`, in [0, 1], with sum 1 along `axis`; entries far below the largest are exactly 0.

    Raises:
        ValueError: `x` has no such axis.
    """
    x = floating(x)
    check_axis("sparsemax", x, axis)
    wide = jnp.promote_types(x.dtype, jnp.float32)  # sums of many float16 or bfloat16 entries would round away
    shifted = jnp.moveaxis(_below_its_maximum(x.astype(wide), axis), axis, -1)
    # Which entries stay positive is found without a gradient; given them, the result is linear in `x`.
    descending = -jnp.sort(-lax.stop_gradient(shifted), axis=-1)
    count = jnp.arange(1, shifted.shape[-1] + 1, dtype=wide)
    surplus = jnp.cumsum(descending, axis=-1) - 1
    cutoff = jnp.max(surplus / count, axis=-1, keepdims=True)
    positive = shifted > cutoff
    size = jnp.sum(positive, axis=-1, keepdims=True).astype(wide)
    excess = (jnp.sum(jnp.where(positive, shifted, 0), axis=-1, keepdims=True) - 1) / size
    projected = jnp.where(shifted <= cutoff, 0, shifted - excess)
    return jnp.moveaxis(projected, -1, axis).astype(x.dtype)


@activation()
def glu(x: ArrayLike, axis: int = -1) -> Array:
    """The first half of `x` along `axis` times the sigmoid of the second (Dauphin et al. 2017).

    Args:
        x: array whose size along `axis` is even.
        axis: int.

    Returns:
        An array with half the size along `axis`.

    Raises:
        ValueError: `x` has no such axis, or its size is odd.
    """
    x = floating(x)
    check_axis("glu", x, axis)
    if x.shape[axis] % 2:
        raise ValueError(
            f"glu halves axis {axis}, which must have an even size; got an array of shape {tuple(x.shape)}."
        )
    values, gates = jnp.split(x, 2, axis)
    return values * lax.logistic(gates)


def _below_its_maximum(x, axis):
    return x - lax.stop_gradient(jnp.max(x, axis=axis, keepdims=True))
