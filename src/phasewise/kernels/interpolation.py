"""Interpolation between the entries of an array: at a whole number of places for each, or for any number of places in all."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.kernels.moments import wide


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def upsampled(x, axes, factors, interpolation):
    """Several values along some axes for each entry of `x`.

    Entry i counts as a sample at the middle of [i, i + 1). The value at t is the sum of the samples near it, each weighed by
    `k(distance)`; the weights are divided by their sum, so that beyond the ends nothing counts. k is, for

    - "bilinear": `1 - d` up to 1,
    - "bicubic": `1.5 d³ - 2.5 d² + 1` up to 1, `-0.5 d³ + 2.5 d² - 4 d + 2` up to 2 (Keys 1981, a = -1/2),
    - "lanczos3", "lanczos5": `sinc(d) sinc(d / r)` up to r = 3, 5 (Duchon 1979),

    and "nearest" repeats each entry. Weights are computed in float64, so that they are right however long the axis is.

    Args:
        x: array of any real dtype; computed in float32 or wider.
        axes, factors: tuples of int, the axes and how many values each entry becomes along them.
        interpolation: one of the above.

    Returns:
        An array of the dtype of `x` (of float32 where that is no floating dtype and entries are not only repeated), `factors` times
        as large.
    """
    if interpolation == "nearest":
        for axis, factor in zip(axes, factors):
            x = jnp.repeat(x, factor, axis)
        return x
    values = wide(x)
    for axis, factor in zip(axes, factors):
        if factor > 1:
            values = _between(values, axis, factor, *KERNELS[interpolation])
    return values.astype(x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32)


def _between(x, axis, factor, radius, kernel):
    """`factor` values along `axis` for each entry, from the entries less than `radius` away, weighed by `kernel(distance)`."""
    size, offsets = x.shape[axis], np.arange(-radius, radius + 1)
    places = (np.arange(factor) + 0.5) / factor - 0.5  # of the values, seen from the middle of their entry
    weights = kernel(np.abs(offsets - places[:, None]))
    numbers = np if isinstance(size, int) else jnp  # a size that is left open, as in an exported program, is a symbol
    neighbours = numbers.arange(size)[:, None] + offsets
    sums = ((neighbours >= 0) & (neighbours < size)) @ weights.T  # (size, factor)
    padded = jnp.pad(x, [(radius, radius) if i == axis else (0, 0) for i in range(x.ndim)])
    shifted = [jax.lax.slice_in_dim(padded, start, start + size, 1, axis) for start in range(2 * radius + 1)]
    values = [sum(x.dtype.type(w) * each for w, each in zip(row, shifted) if w) for row in weights]
    shares = (1 / sums).astype(x.dtype).reshape(size, factor, *(1,) * (x.ndim - axis - 1))
    scaled = jnp.stack(values, axis + 1) * shares
    return scaled.reshape(*x.shape[:axis], size * factor, *x.shape[axis + 1 :])


@functools.partial(jax.jit, static_argnums=(1, 2, 3, 4))
def resized(x, axes, sizes, interpolation, antialias=False):
    """Other numbers of values along some axes, at places spread evenly over the same length.

    By the formula of `upsampled`; along an axis of n entries that becomes one of m, value j is at the place `(j + 1/2) n / m`.
    With `antialias` and m < n, distances are divided by n / m, so that all entries have a part in some value.

    Args:
        x: array of any real dtype; computed in float32 or wider.
        axes, sizes: tuples of int, the axes and the new numbers of values along them.
        interpolation: as of `upsampled`; "nearest" takes the entry in which the place lies.
        antialias: see above.

    Returns:
        An array of the dtype of `x` (of float32 where that is no floating dtype, unless by "nearest").
    """
    changed = [(axis, size) for axis, size in zip(axes, sizes) if x.shape[axis] != size]
    if interpolation == "nearest":
        for axis, size in changed:
            x = jnp.take(x, (2 * np.arange(size) + 1) * x.shape[axis] // (2 * size), axis)
        return x
    values = wide(x)
    for axis, size in sorted(changed, key=lambda each: each[1] / x.shape[each[0]]):  # what shrinks most comes first
        values = _weighed(values, axis, _shares(x.shape[axis], size, antialias, *KERNELS[interpolation]))
    return values.astype(x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32)


def _shares(size, new_size, antialias, radius, kernel):
    """The part of each entry in each value, of shape (new_size, size), rows of sum 1."""
    step = size / new_size
    width = max(step, 1) if antialias else 1
    places = (np.arange(new_size) + 0.5) * step - 0.5
    weights = kernel(np.abs(places[:, None] - np.arange(size)) / width)
    return weights / weights.sum(1, keepdims=True)


def _weighed(x, axis, weights):
    """Sums of the entries along an axis, weighed by the rows of a matrix.

    Where few entries have a part in each sum they are gathered: five to fifteen times as fast on a CPU as the matrix product.
    """
    few = (weights != 0).sum(1).max()
    if few > FEW:
        product = jnp.tensordot(weights.astype(x.dtype), x, ([1], [axis]), precision="highest")
        return jnp.moveaxis(product, 0, axis)
    first = np.minimum((weights != 0).argmax(1), weights.shape[1] - few)
    entries = first[:, None] + np.arange(few)
    parts = np.take_along_axis(weights, entries, 1).astype(x.dtype)
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    return sum(jnp.take(x, entries[:, i], axis, mode="clip") * parts[:, i].reshape(shape) for i in range(few))


def _triangle(distance):
    return np.maximum(0, 1 - distance)


def _cubic(distance):
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))


def _lanczos(radius):
    return lambda distance: np.where(distance < radius, np.sinc(distance) * np.sinc(distance / radius), 0)


# the distance beyond which a sample does not count, and its weight by distance
KERNELS = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _cubic),
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
}
FEW = 12  # entries with a part in one sum
