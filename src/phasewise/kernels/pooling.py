"""Pooling: the largest, or the mean, of the entries in a window that moves over an array, or in windows that divide it.

A window moves along one axis after the other, the last first. Windows side by side are an axis of their own; where they overlap, their
places are joined as slices, of which XLA makes one loop. `reduce_window` is no faster on a CPU, and the gradient of its maximum takes
ten times as long there.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.kernels.moments import wide

MOST_SLICES = 5  # wider windows that overlap are left to `reduce_window`, which compiles faster than so many slices


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
    return _moving(x, window, strides, padding, _MAX)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def average_pool(x, window, strides, padding):
    """The mean of the entries in each place of a moving window; what is outside the array does not count.

    Args:
        x: array of any real dtype; accumulated in float32 or wider.
        window, strides, padding: as in `max_pool`.

    Returns:
        An array of the dtype of `x`, of float32 where that is no floating dtype.
    """
    values = wide(x)
    total = _moving(values, window, strides, padding, _SUM)
    return (total / _counts(x.shape, window, strides, padding)).astype(_floating(x.dtype))


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
        x = _largest(_laid_out(x, axis, places), axis + 1)
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
    largest = jnp.where(mask, x, _lowest(x.dtype)).max(axes, keepdims=keepdims)
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


def _moving(x, window, strides, padding, pool):
    """What `pool` makes of the entries in each place of the window."""
    for axis in reversed(range(x.ndim)):
        if window[axis] > 1 or strides[axis] > 1:
            x = _moving_along(axis, x, window[axis], strides[axis], padding, pool)
    return x


def _moving_along(axis, x, width, stride, padding, pool):
    """As `_moving`, for a window that extends and moves along one axis."""
    over, by = ([size if i == axis else 1 for i in range(x.ndim)] for size in (width, stride))
    before, behind = jax.lax.padtype_to_pads(x.shape, over, by, padding.upper())[axis]
    count = (x.shape[axis] + before + behind - width) // stride + 1
    neutral = pool.neutral(x.dtype)
    if stride >= width:
        end = count * stride - before - x.shape[axis]  # as many entries more, or fewer
        x = jax.lax.pad(x, neutral, [(before, end, 0) if i == axis else (0, 0, 0) for i in range(x.ndim)])
        x = x.reshape(*x.shape[:axis], count, stride, *x.shape[axis + 1 :])
        return pool.of_axis(jax.lax.slice_in_dim(x, 0, width, 1, axis + 1), axis + 1)
    if width > MOST_SLICES or count < 1:
        return jax.lax.reduce_window(x, neutral, pool.of_two, over, by, padding.upper())
    x = jax.lax.pad(x, neutral, [(before, behind, 0) if i == axis else (0, 0, 0) for i in range(x.ndim)])
    last = (count - 1) * stride + 1
    slices = [jax.lax.slice_in_dim(x, start, start + last, stride, axis) for start in range(width)]
    return functools.reduce(pool.of_slices, slices)


class _Pool(NamedTuple):
    """One way to make one entry of many.

    Attributes:
        of_axis: (array, axis) -> array without the axis.
        of_two: the same of two entries, as `reduce_window` knows it.
        of_slices: the same of two arrays, with the gradient that is wanted.
        neutral: dtype -> the entry that changes nothing.
    """

    of_axis: Callable
    of_two: Callable
    of_slices: Callable
    neutral: Callable


def _first_largest(first, second):
    """The larger entry; of two that are equal the first, with the whole gradient. NaN stays, as in `jnp.maximum`."""
    keeps = first >= second
    if jnp.issubdtype(first.dtype, jnp.floating):
        keeps |= jnp.isnan(first)
    return jnp.where(keeps, first, second)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _largest(x, axis):
    """The largest entry along `axis`; the gradient is all its own, or the first one's of several."""
    return x.max(axis)


@_largest.defjvp
def _largest_jvp(axis, entries, changes):
    (x,), (change,) = entries, changes
    first = jnp.argmax(x, axis, keepdims=True)
    is_first = jax.lax.broadcasted_iota(first.dtype, x.shape, axis) == first
    return _largest(x, axis), jnp.where(is_first, change, 0).sum(axis)


def _lowest(dtype):
    """The value that no entry of this dtype is below."""
    if dtype == np.bool_:
        return np.False_
    return np.array(-np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min, dtype)


_MAX = _Pool(_largest, jax.lax.max, _first_largest, _lowest)
_SUM = _Pool(jnp.sum, jax.lax.add, jnp.add, lambda dtype: np.zeros((), dtype))


def _floating(dtype):
    return dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32


def _counts(shape, window, strides, padding):
    """How many entries each place of the window holds: an array that broadcasts against the result, or a number."""
    if padding == "valid":
        return np.float32(np.prod(window))
    counts = np.ones((1,) * len(shape), np.float32)
    pads = jax.lax.padtype_to_pads(shape, window, strides, "SAME")
    for axis, (size, width, stride, (before, _)) in enumerate(zip(shape, window, strides, pads)):
        if width > 1:
            numbers = (
                np if isinstance(size, int) else jnp
            )  # a size that is left open, as in an exported program, is a symbol
            starts = numbers.arange(-(-size // stride)) * stride - before
            inside = numbers.minimum(starts + width, size) - numbers.maximum(starts, 0)
            counts = counts * inside.reshape((-1,) + (1,) * (len(shape) - axis - 1)).astype(np.float32)
    return counts


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
