"""Pooling: the largest, or the mean, of the entries in a window that moves over an array, or in windows that divide it.

A window moves along one axis after the other, the last first. Along an axis its places are joined as slices, of which XLA makes
one loop. `reduce_window` is no faster on a CPU, and the gradient of its maximum takes ten times as long there.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.kernels.moments import wide

MOST_SLICES = 64  # a wider window is left to `reduce_window`: every slice is an instruction to compile


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
    return _moving(x, window, strides, padding, _first_largest, jax.lax.max, _lowest(x.dtype))


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
    total = _moving(values, window, strides, padding, jnp.add, jax.lax.add, values.dtype.type(0))
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
        window = tuple(places.shape[1] if i == axis else 1 for i in range(x.ndim))
        x = max_pool(_laid_out(x, axis, places), window, window, "valid")
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
        parts = parts.reshape(*parts.shape[:axis], *places.shape, *parts.shape[axis + 1 :])
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


def _moving(x, window, strides, padding, join, reduction, neutral):
    """The entries of each place of the window, joined: by `join` of two arrays, or by `reduction`, the same for `reduce_window`."""
    for axis in reversed(range(x.ndim)):
        if window[axis] > 1 or strides[axis] > 1:
            x = _moving_along(axis, x, window[axis], strides[axis], padding, join, reduction, neutral)
    return x


def _moving_along(axis, x, width, stride, padding, join, reduction, neutral):
    """As `_moving`, for a window that extends and moves along one axis."""
    over, by = ([size if i == axis else 1 for i in range(x.ndim)] for size in (width, stride))
    before, behind = jax.lax.padtype_to_pads(x.shape, over, by, padding.upper())[axis]
    count = (x.shape[axis] + before + behind - width) // stride + 1
    if width > MOST_SLICES or count < 1:
        return jax.lax.reduce_window(x, neutral, reduction, over, by, padding.upper())
    if before or behind:
        x = jax.lax.pad(x, neutral, [(before, behind, 0) if i == axis else (0, 0, 0) for i in range(x.ndim)])
    return functools.reduce(join, _slices(x, axis, count, width, stride))


def _slices(x, axis, count, width, stride):
    """For each entry of a window along `axis`, the array of what it is in each of the `count` places."""
    if stride == width:  # windows side by side are an axis of their own: cheaper than strides, above all their gradient
        x = jax.lax.slice_in_dim(x, 0, count * width, 1, axis)
        x = x.reshape(*x.shape[:axis], count, width, *x.shape[axis + 1 :])
        return [jax.lax.index_in_dim(x, place, axis + 1, keepdims=False) for place in range(width)]
    last = (count - 1) * stride + 1
    return [jax.lax.slice_in_dim(x, start, start + last, stride, axis) for start in range(width)]


def _first_largest(first, second):
    """The larger entry; of two that are equal the first, with the whole gradient. NaN stays, as in `jnp.maximum`."""
    keeps = first >= second
    if jnp.issubdtype(first.dtype, jnp.floating):
        keeps |= jnp.isnan(first)
    return jnp.where(keeps, first, second)


def _lowest(dtype):
    """The value that no entry of this dtype is below."""
    if dtype == np.bool_:
        return np.False_
    return np.array(-np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min, dtype)


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
            starts = np.arange(-(-size // stride)) * stride - before
            inside = np.minimum(starts + width, size) - np.maximum(starts, 0)
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
    """The entries of the windows, one window after the other."""
    places = places.ravel()
    return x if np.array_equal(places, np.arange(x.shape[axis])) else jnp.take(x, places, axis)
