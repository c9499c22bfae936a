"""Blurring: sums over a pixel's neighbours. A flat image stays flat, up to its edges."""

import functools

import jax
import jax.numpy as jnp


@functools.partial(jax.jit, static_argnums=1)
def gaussian_blurred(images, sizes, sigmas):
    """Each pixel the mean of its neighbours, weighed by exp(-d² / (2 sigma²)) along each axis and divided by the weights' sum.

    Beyond the edge the outermost pixel goes on. (Keras goes on with zeros, so that every edge gets dark.)

    Args:
        images: (rows, height, width, channels), floating.
        sizes: (along the width, along the height), odd integers: how many pixels count.
        sigmas: (rows, 2), positive, in pixels, in the same order.
    """
    along_width, along_height = (_weights(size, sigmas[:, axis]) for axis, size in enumerate(sizes))
    return _summed(_summed(images, along_height, 1), along_width, 2)


@jax.jit
def smoothed(images):
    """Each pixel the mean of the nine around it with 5 times the weight for the one in the middle; those at the edge as they are.

    The kernel [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13 and the edge are those of Pillow's filter SMOOTH, by which RandAugment (Cubuk
    et al. 2020) sharpens. (Keras goes on with zeros beyond the edge, so that it gets dark.)

    Args:
        images: (rows, height, width, channels), floating.
    """
    if min(images.shape[1:3]) < 3:
        return images
    middle = images[:, 1:-1, 1:-1]
    rows = images[:, :-2] + images[:, 1:-1] + images[:, 2:]
    inside = (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:] + 4 * middle) / 13
    lines = jnp.concatenate([images[:, 1:-1, :1], inside, images[:, 1:-1, -1:]], axis=2)
    return jnp.concatenate([images[:, :1], lines, images[:, -1:]], axis=1)


def _weights(size, sigmas):
    distances = jnp.arange(size, dtype=sigmas.dtype) - (size - 1) / 2
    weights = jnp.exp(-0.5 * (distances / sigmas[:, None]) ** 2)
    return weights / weights.sum(1, keepdims=True)


def _summed(images, weights, axis):
    """The sum of the images moved along an axis by each number of pixels, times the weight for it."""
    count, length = weights.shape[1], images.shape[axis]
    pads = [(0, 0)] * images.ndim
    pads[axis] = (count // 2, count // 2)
    padded = jnp.pad(images, pads, mode="edge")
    total = jnp.zeros_like(images)
    for place in range(count):
        window = (slice(None),) * axis + (slice(place, place + length),)
        total = total + padded[window] * weights[:, place, None, None, None]
    return total
