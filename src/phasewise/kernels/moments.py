"""Mean and variance that keep their digits when the mean is far from zero."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Moments(NamedTuple):
    """Mean and variance, the reduced axes kept at size 1.

    Attributes:
        shift, offset: the mean in two parts, so that `(x - shift) - offset` loses nothing.
        variance: biased (divided by the count).
    """

    shift: jax.Array
    offset: jax.Array
    variance: jax.Array

    @property
    def mean(self):
        """The mean in one part."""
        return self.shift + self.offset


def wide(x):
    """`x` in float32 or wider: the dtype in which statistics are accumulated."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def first_row_shift(x, axes):
    """A per-channel constant near the mean: the mean of the first index of axis `axes[0]`.

    A member of a batch of n rows lies within sqrt(n - 1) standard deviations of the mean, so a shift by it bounds the
    cancellation in E[d²] - E[d]² by n rounding errors whatever the data are; and it costs 1/n of a pass.
    """
    first = jax.lax.slice_in_dim(x, 0, 1, axis=axes[0])
    return jax.lax.stop_gradient(wide(first).mean(axes, keepdims=True))


@functools.partial(jax.jit, static_argnums=1)
def moments(x, axes, *, shift=None, mask=None):
    """Mean and variance of `x` over `axes`, exact when the mean is far from zero.

    Subtracting a `shift` near the mean first keeps the digits that E[x²] - E[x]² would cancel, in one pass
    over the data (two where there is a mask: the shift is then the masked mean).

    Args:
        x: array, any floating dtype; accumulated in float32 or wider.
        axes: tuple of int, the axes to reduce.
        shift: array that broadcasts against `x`, size 1 on `axes`, a constant to the gradient; found when absent.
        mask: boolean array that broadcasts against `x`; False positions do not count.

    Returns:
        `Moments`. The variance is biased, as in Ioffe & Szegedy (2015), algorithm 1. An all-False mask gives offset 0 and
        variance 0, and so does an axis without entries.
    """
    x = wide(x)
    if not x.size and mask is None:
        mask = jnp.zeros((1,) * x.ndim, bool)
    if mask is not None:
        return _masked_moments(x, axes, shift, mask)
    shift = first_row_shift(x, axes) if shift is None else shift
    centred = x - shift
    offset = centred.mean(axes, keepdims=True)
    variance = (centred * centred).mean(axes, keepdims=True) - offset * offset
    return Moments(shift, offset, jnp.maximum(variance, 0))


def _masked_moments(x, axes, shift, mask):
    weight = jnp.broadcast_to(mask, x.shape).astype(x.dtype)
    count = jnp.maximum(weight.sum(axes, keepdims=True), 1)
    if shift is None:
        shift = jax.lax.stop_gradient(jnp.where(mask, x, 0).sum(axes, keepdims=True) / count)
    centred = jnp.where(mask, x - shift, 0)
    offset = centred.sum(axes, keepdims=True) / count
    residual = jnp.where(mask, centred - offset, 0)
    return Moments(shift, offset, (residual * residual).sum(axes, keepdims=True) / count)


def count_values(x, axes, mask=None):
    """How many values each mean is taken over: float32, the reduced axes kept at size 1. Arguments as for `moments`."""
    if mask is None:
        mask = jnp.ones((1,) * x.ndim, bool)
    return jnp.broadcast_to(mask, x.shape).sum(axes, keepdims=True, dtype=jnp.float32)


def blended(moving_mean, moving_variance, batch, weight):
    """`Moments` between the moving statistics and those of a batch.

    Args:
        moving_mean, moving_variance: arrays that broadcast against the batch's moments.
        batch: `Moments`.
        weight: weight of the batch in [0, 1]: Schneider et al. (2020), section 3.
    """
    distance = (batch.shift - moving_mean) + batch.offset
    return Moments(moving_mean, weight * distance, (1 - weight) * moving_variance + weight * batch.variance)


@functools.partial(jax.jit, static_argnames="epsilon")
def normalize(x, moments, *, gamma=None, beta=None, epsilon):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`.

    Args:
        x: array.
        moments: `Moments`; its `offset` may be None.
        gamma, beta: scale and centre that broadcast against `x`, or None.
        epsilon: number of at least 0 added to the variance.

    Returns:
        An array of the shape of `x`, in float32 or wider.
    """
    centred = wide(x) - moments.shift
    if moments.offset is not None:
        centred = centred - moments.offset
    factor = jax.lax.rsqrt(moments.variance + epsilon)
    if gamma is not None:
        factor = factor * gamma
    y = centred * factor
    return y if beta is None else y + beta
