"""Pooling with a moving window in XLA's operations.

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

MOST_SLICES = 5  # wider windows that overlap are left to `reduce_window`, which compiles faster than so many slices


def moving_maximum(x, window, strides, padding):
    """`pooling.max_pool`, of a dtype of any kind."""
    return _moving(x, window, strides, padding, _MAX)


def moving_mean(x, window, strides, padding):
    """`pooling.average_pool` of an array of a floating dtype, in that dtype."""
    return _moving(x, window, strides, padding, _SUM) / _counts(x.shape, window, strides, padding)


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
def largest(x, axis):
    """The largest entry along `axis`; the gradient is all its own, or the first one's of several."""
    return x.max(axis)


@largest.defjvp
def _largest_jvp(axis, entries, changes):
    (x,), (change,) = entries, changes
    first = jnp.argmax(x, axis, keepdims=True)
    is_first = jax.lax.broadcasted_iota(first.dtype, x.shape, axis) == first
    return largest(x, axis), jnp.where(is_first, change, 0).sum(axis)


def lowest(dtype):
    """The value that no entry of this dtype is below."""
    if dtype == np.bool_:
        return np.False_
    return np.array(-np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min, dtype)


_MAX = _Pool(largest, jax.lax.max, _first_largest, lowest)
_SUM = _Pool(jnp.sum, jax.lax.add, jnp.add, lambda dtype: np.zeros((), dtype))


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
