"""Means and variances, and what divides by them."""

import math

import jax
import jax.numpy as jnp

from phasewise.core import defaults
from phasewise.core.dtypes import floating
from phasewise.kernels import moments as statistics
from phasewise.kernels.moments import wide
from phasewise.kernels.unit_vectors import unit_vectors
from phasewise.ops.op import op


def _axes(axis, x):
    return tuple(sorted(each % x.ndim for each in (axis if isinstance(axis, list | tuple) else (axis,))))


def _over(values, axes, x):
    """Values for some axes of `x`, so that they broadcast against it; None stays."""
    if values is None:
        return None
    values = jnp.asarray(values)
    return values.reshape([x.shape[i] if i in axes else 1 for i in range(x.ndim)]) if values.ndim < x.ndim else values


@op
def moments(x, axes, keepdims=False, synchronized=False):
    """(mean, variance) over `axes`, the latter divided by the count (biased).

    Accumulated in float32 or wider after a shift, so that both are right however far from zero the mean is.

    Args:
        axes: int or tuple of int.
        keepdims: whether the axes stay, with size 1.
        synchronized: accepted: over an array that is spread over devices they are those of the whole array in any case.
    """
    x = jnp.asarray(x)
    axes = _axes(axes, x)
    found = statistics.moments(floating(x), axes)
    pair = found.mean, found.variance
    if x.dtype == "float16":
        limit = float(jnp.finfo("float16").max)
        pair = [jnp.clip(each, -limit, limit) for each in pair]
    kept = [each.astype(floating(x).dtype) for each in pair]
    return tuple(kept if keepdims else [each.squeeze(axes) for each in kept])


@op
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with statistics for each entry of `axis`.

    Args:
        mean, variance, offset, scale: (size of `axis`,); the last two may be None.
        axis: int.
        epsilon: number added to the variance.
    """
    x = jnp.asarray(x)
    axes = _axes(axis, x)
    mean, variance, offset, scale = (_over(each, axes, x) for each in (mean, variance, offset, scale))
    found = statistics.normalize(
        floating(x), statistics.Moments(wide(mean), None, wide(variance)), gamma=scale, beta=offset, epsilon=epsilon
    )
    given = [each.dtype for each in (floating(x), mean, variance, offset, scale) if each is not None]
    return found.astype(jnp.result_type(*given))


@op
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, **kwargs):
    """Each row normalized by its own mean and variance over `axis`, then times `gamma`, plus `beta`.

    Args:
        gamma, beta: of the shape of the axes, or None.
        axis: int or tuple of int.
        epsilon: number added to the variance; None is `epsilon()`.

    Raises:
        ValueError: an argument is unknown; `rms_scaling`, which Keras has given up, among them: see `rms_normalization`.
    """
    if kwargs.pop("rms_scaling", False) or kwargs:
        raise ValueError(
            f"layer_normalization does not take {', '.join(kwargs) or 'rms_scaling=True: use rms_normalization'}."
        )
    x = jnp.asarray(x)
    axes = _axes(axis, x)
    epsilon = defaults.epsilon() if epsilon is None else epsilon
    gamma, beta = (_over(each, axes, x) for each in (gamma, beta))
    return statistics.normalized(floating(x), axes, gamma=gamma, beta=beta, epsilon=epsilon).astype(x.dtype)


@op
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x / sqrt(mean(x²) + epsilon) * scale, the mean over `axis` (int or tuple of int).

    Args:
        scale: of the shape of the axes, or what broadcasts against `x`; None is 1.
        epsilon: None is `epsilon()`.
    """
    x = jnp.asarray(x)
    whole = wide(x)[None] if x.ndim == 0 else wide(x)
    axes = _axes(axis, whole)
    epsilon = defaults.epsilon() if epsilon is None else epsilon
    found = whole * jax.lax.rsqrt((whole * whole).mean(axes, keepdims=True) + epsilon)
    return (found if scale is None else found * wide(_over(scale, axes, whole))).astype(x.dtype)


@op
def normalize(x, axis=-1, order=2, epsilon=None):
    """x / max(norm, epsilon): vectors along `axis` of length 1.

    Args:
        axis: int or tuple of int.
        order: a whole number of at least 1: that of the norm (sum |x|^order)^(1 / order).
        epsilon: None is `epsilon()`.

    Raises:
        ValueError: `order` is none such.
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize's order is a whole number of at least 1; got {order!r}.")
    x = jnp.atleast_1d(floating(x))
    epsilon = defaults.epsilon() if epsilon is None else epsilon
    if order == 2:
        return unit_vectors(x, _axes(axis, x), epsilon=epsilon).astype(x.dtype)
    norm = jnp.linalg.norm(x, ord=order, axis=_axes(axis, x) if isinstance(axis, list | tuple) else axis, keepdims=True)
    return x / jnp.maximum(norm, epsilon)


@op
def psnr(x1, x2, max_val):
    """The peak signal-to-noise ratio in decibels: 20 log10(max_val) - 10 log10(mean((x1 - x2)²)), inf for equal arrays.

    Raises:
        ValueError: the shapes differ.
    """
    x1, x2 = jnp.asarray(x1), jnp.asarray(x2)
    if x1.shape != x2.shape:
        raise ValueError(f"psnr takes arrays of one shape; got {x1.shape} and {x2.shape}.")
    error = jnp.square(floating(x1) - floating(x2)).mean()
    return (20 * math.log10(max_val) - 10 * jnp.log10(error)).astype(error.dtype)
