"""Mean and variance that keep their digits when the mean is far from zero."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from phasewise.kernels.explicit_axes import left_to_the_compiler


class Moments(NamedTuple):
    """Mean and variance, the reduced axes kept at size 1.

    Attributes:
        shift, offset: the mean in two parts, the offset at most some standard deviations, so that `(x - shift) - offset`
            loses nothing.
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


def first_entry(x, axes):
    """A constant near the mean for each set of values that is reduced: the first of them.

    A member of n values lies within sqrt(n - 1) standard deviations of their mean, so that what is left after taking it off
    has lost log2(n) / 2 bits at the very most, however far from zero the mean is. As a part of `x`, and not a number computed
    from it, it costs the compiled loops nothing.
    """
    place = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(x.ndim))
    return left_to_the_compiler(lambda x: x[place], jax.lax.stop_gradient(x))


@functools.partial(jax.jit, static_argnums=1)
def moments(x, axes, *, shift=None, mask=None):
    """Mean and variance of `x` over `axes`, exact when the mean is far from zero.

    Subtracting a `shift` near the mean first keeps the digits that a sum far from zero would lose. The variance takes a pass
    of its own, over what is left after the mean is taken off: E[d²] - E[d]² would lose twice as many, and two sums at once are not
    faster, since no compiler vectorizes them.

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
    shift = first_entry(x, axes) if shift is None else shift
    centred = x - shift
    offset = centred.mean(axes, keepdims=True)
    # The derivative by the offset is the residuals' mean, which is 0: no pass is made for it. What is subtracted is 0 as well,
    # and so is its first derivative; its second belongs to the variance.
    constant = jax.lax.stop_gradient(offset)
    residual = centred - constant
    variance = (residual * residual).mean(axes, keepdims=True) - jnp.square(offset - constant)
    return Moments(shift, offset, variance)


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
    step = weight * ((batch.shift - moving_mean) + batch.offset)
    shift = jax.lax.stop_gradient(moving_mean + step)
    return Moments(shift, (moving_mean - shift) + step, (1 - weight) * moving_variance + weight * batch.variance)


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
    factor = jax.lax.rsqrt(moments.variance + epsilon)
    of_channels = gamma is not None and jnp.broadcast_shapes(gamma.shape, factor.shape) == factor.shape
    if of_channels:
        factor = factor * gamma
    # What is added is found for each statistic, not for each entry: `centred * factor + ...` is one operation.
    y = centred * factor if moments.offset is None else centred * factor - moments.offset * factor
    if gamma is not None and not of_channels:
        y = y * gamma
    return y if beta is None else y + beta


# No program of its own: inside of one, derivatives would keep arrays of the size of `x` that cost less to compute again. Where
# statistics are few, as those of channels, they keep none, and equal layers are compiled once.
@functools.partial(jax.jit, static_argnames=("axes", "epsilon"), inline=True)
def normalized(x, axes, *, gamma=None, beta=None, epsilon):
    """`x` normalized by its own moments over `axes`: arguments and result as for `moments` and `normalize`."""
    found = moments.__wrapped__(x, axes)
    return normalize.__wrapped__(x, found, gamma=gamma, beta=beta, epsilon=epsilon)
