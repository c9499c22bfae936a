"""Pooling: the largest, or the mean, of the entries in a window that moves over an array, or in windows that divide it.

Windows that move over axes with channels behind them are pooled natively on a CPU, where `native.pooling` finds that faster. Maximum
and mean are then operations with rules for their derivatives, below. The derivative of a maximum is linear in the change of the array;
the array itself only says where the largest entries are, and does not move it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from phasewise.kernels.moments import wide
from phasewise.kernels.native import pooling as native
from phasewise.kernels.native.library import KERNELS
from phasewise.kernels.native.operation import operation
from phasewise.kernels.pooling_in_xla import largest, lowest, moving_maximum, moving_mean


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def max_pool(x, window, strides, padding):
    """The largest entry in each place of a moving window; what is outside the array does not count.

    Args:
        x: array of any real dtype.
        window, strides: a size for each axis of `x`, 1 on those that nothing moves over.
        padding: "valid", windows that lie inside; "same", `ceil(size / stride)` of them along each axis, reaching over
            both ends alike (over the far end by one more where that is odd).

    Returns:
        An array of the dtype of `x`. The gradient of a window goes to its largest entry, the first of several.
    """
    how = {"window": window, "strides": strides, "padding": padding}
    return _MAX.bind(x, **how)[0] if native.suits(x, **how) else moving_maximum(x, **how)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def average_pool(x, window, strides, padding):
    """The mean of the entries in each place of a moving window; what is outside the array does not count.

    Args:
        x: array of any real dtype; accumulated in float32 or wider.
        window, strides, padding: as in `max_pool`.

    Returns:
        An array of the dtype of `x`, of float32 where that is no floating dtype.
    """
    how = {"window": window, "strides": strides, "padding": padding}
    return _MEAN.bind(x, **how)[0] if native.suits(x, **how) else _plain_mean(x, **how)[0]


@functools.partial(jax.jit, static_argnums=(1, 2))
def adaptive_max_pool(x, axes, counts):
    """The largest entry in each of the windows that divide the axes of `x`.

    Along an axis of size n that is to have m windows, window i holds the entries from `floor(i n / m)` up to, and without,
    `ceil((i + 1) n / m)`: together they cover the axis, and neighbours share at most one entry where m does not exceed n.

    Args:
        x: array of any real dtype.
        axes, counts: tuples of int, the axes and how many windows each is to have.

    Returns:
        An array of the dtype of `x`, the sizes of `axes` replaced by `counts`.
    """
    for axis, count in zip(axes, counts):
        places, _ = _windows(x.shape[axis], count)
        x = largest(_laid_out(x, axis, places), axis + 1)
    return x


@functools.partial(jax.jit, static_argnums=(1, 2))
def adaptive_average_pool(x, axes, counts):
    """The mean of the entries in each of the windows that divide the axes of `x`; the windows are those of `adaptive_max_pool`.

    Args:
        x: array of any real dtype; accumulated in float32 or wider.
        axes, counts: as in `adaptive_max_pool`.

    Returns:
        An array of the dtype of `x`, of float32 where that is no floating dtype.
    """
    values = wide(x)
    for axis, count in zip(axes, counts):
        places, are_real = _windows(x.shape[axis], count)
        parts = _laid_out(values, axis, places)
        weights = (are_real / are_real.sum(1, keepdims=True)).astype(values.dtype)
        values = (parts * weights.reshape(*places.shape, *(1,) * (x.ndim - axis - 1))).sum(axis + 1)
    return values.astype(_floating(x.dtype))


@functools.partial(jax.jit, static_argnums=1, static_argnames="keepdims")
def global_max(x, axes, *, keepdims=False, mask=None):
    """The largest entry over `axes`; several share the gradient.

    Args:
        x: array of any real dtype.
        axes: tuple of int.
        keepdims: whether to keep `axes`, with size 1.
        mask: boolean array of the shape of `x`, or of size 1 on axes that are kept; False positions do not count. Where none
            counts the result is 0, without a gradient.

    Returns:
        An array of the dtype of `x`.
    """
    if mask is None:
        return x.max(axes, keepdims=keepdims)
    largest = jnp.where(mask, x, lowest(x.dtype)).max(axes, keepdims=keepdims)
    return jnp.where(mask.any(axes, keepdims=keepdims), largest, np.zeros((), x.dtype))


@functools.partial(jax.jit, static_argnums=1, static_argnames="keepdims")
def global_average(x, axes, *, keepdims=False, mask=None):
    """The mean over `axes`.

    Args:
        x: array of any real dtype; accumulated in float32 or wider.
        axes, keepdims, mask: as in `global_max`.

    Returns:
        An array of the dtype of `x`, of float32 where that is no floating dtype.
    """
    values = wide(x)
    if mask is None:
        mean = values.mean(axes, keepdims=keepdims)
    else:
        total = jnp.where(mask, values, 0).sum(axes, keepdims=keepdims)
        mean = total / jnp.maximum(mask.sum(axes, keepdims=keepdims), 1)
    return mean.astype(_floating(x.dtype))


def _floating(dtype):
    return dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32


def _windows(size, count):
    """The places of the entries of each window, (count, width of the widest), and whether they are its own: a narrower
    window repeats its last."""
    index = np.arange(count)
    starts, ends = index * size // count, -(-(index + 1) * size // count)
    places = starts[:, None] + np.arange((ends - starts).max())
    return np.minimum(places, ends[:, None] - 1), places < ends[:, None]


def _laid_out(x, axis, places):
    """The entries of the windows, `axis` replaced by (window, entry)."""
    if not np.array_equal(places.ravel(), np.arange(x.shape[axis])):
        x = jnp.take(x, places.ravel(), axis)
    return x.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])


def _plain_max(x, **how):
    return [moving_maximum(x, **how)]


def _plain_max_tangent(x, change, **how):
    return [jax.jvp(functools.partial(moving_maximum, **how), (x,), (change,))[1]]


def _plain_max_gradient(x, slope, **how):
    return jax.vjp(functools.partial(moving_maximum, **how), x)[1](slope)


def _plain_mean(x, **how):
    return [moving_mean(wide(x), **how).astype(_floating(x.dtype))]


def _plain_mean_gradient(slope, *, shape, **how):
    structure = jax.ShapeDtypeStruct(shape, slope.dtype)
    return jax.linear_transpose(lambda x: _plain_mean(x, **how)[0], structure)(slope)


_MAX = operation("phasewise_max_pool", _plain_max, KERNELS, "phasewise_max_pool", native.of_input)
_MAX_TANGENT = operation("phasewise_max_pool_tangent", _plain_max_tangent, KERNELS, "", lambda *arrays, **how: None)
_MAX_GRADIENT = operation(
    "phasewise_max_pool_gradient", _plain_max_gradient, KERNELS, "phasewise_max_pool_gradient", native.of_input
)
_MEAN = operation("phasewise_average_pool", _plain_mean, KERNELS, "phasewise_average_pool", native.of_input)
_MEAN_GRADIENT = operation(
    "phasewise_average_pool_gradient",
    _plain_mean_gradient,
    KERNELS,
    "phasewise_average_pool_gradient",
    native.of_slope,
)


def _max_jvp(arrays, tangents, **how):
    x, change = arrays[0], ad.instantiate_zeros(tangents[0])
    if native.suits(x, **how, with_gradient=True):
        return _MAX.bind(x, **how), _MAX_TANGENT.bind(x, change, **how)
    y, change = jax.jvp(functools.partial(moving_maximum, **how), (x,), (change,))
    return [y], [change]


def _linear_in_the_second(primitive):
    """The rule for derivatives of `primitive`, which its first argument moves nowhere that has a derivative."""

    def rule(arrays, tangents, **how):
        (x, _), (_, change) = arrays, tangents
        return primitive.bind(*arrays, **how), primitive.bind(x, ad.instantiate_zeros(change), **how)

    return rule


def _turned(primitive):
    """The rule for transposing an operation, linear in its second argument, whose transposed is `primitive`."""

    def rule(slopes, x, change, **how):
        (slope,) = slopes
        return [None, None if isinstance(slope, ad.Zero) else primitive.bind(x, slope, **how)[0]]

    return rule


def _mean_transposed(slopes, x, **how):
    (slope,) = slopes
    return [None if isinstance(slope, ad.Zero) else _MEAN_GRADIENT.bind(slope, shape=x.aval.shape, **how)[0]]


def _mean_gradient_transposed(slopes, _, *, shape, **how):
    (slope,) = slopes
    return [None if isinstance(slope, ad.Zero) else _MEAN.bind(slope, **how)[0]]


def _linear(primitive):
    def rule(arrays, tangents, **how):
        return primitive.bind(*arrays, **how), primitive.bind(ad.instantiate_zeros(tangents[0]), **how)

    return rule


ad.primitive_jvps[_MAX] = _max_jvp
ad.primitive_jvps[_MAX_TANGENT] = _linear_in_the_second(_MAX_TANGENT)
ad.primitive_jvps[_MAX_GRADIENT] = _linear_in_the_second(_MAX_GRADIENT)
ad.primitive_transposes[_MAX_TANGENT] = _turned(_MAX_GRADIENT)
ad.primitive_transposes[_MAX_GRADIENT] = _turned(_MAX_TANGENT)
ad.primitive_jvps[_MEAN] = _linear(_MEAN)
ad.primitive_jvps[_MEAN_GRADIENT] = _linear(_MEAN_GRADIENT)
ad.primitive_transposes[_MEAN] = _mean_transposed
ad.primitive_transposes[_MEAN_GRADIENT] = _mean_gradient_transposed
