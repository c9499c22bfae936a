"""Windows of an array as entries side by side, and back."""

import itertools

import jax.numpy as jnp

from phasewise.kernels.convolution_sizes import span


def patches(x, window, strides, padding, dilation):
    """The entries under a window at each place of it.

    Args:
        x: (batch, *positions, channels).
        window, strides, dilation: tuples of positive int, one for each axis of positions.
        padding: pairs (before, behind) of zeros put around each axis.

    Returns:
        (batch, *places, *window, channels).
    """
    x = jnp.pad(x, [(0, 0), *map(tuple, padding), (0, 0)])
    places = _places(x.shape[1:-1], window, strides, dilation)
    parts = [x[(slice(None), *_slices(offset, places, strides, dilation))] for offset in _offsets(window)]
    stacked = jnp.stack(parts, axis=len(window) + 1)
    return stacked.reshape(*stacked.shape[: len(window) + 1], *window, x.shape[-1])


def added_up(windows, sizes, strides, padding, dilation):
    """The gradient of `patches`: every entry is added at the place that it came from.

    Args:
        windows: (batch, *places, *window, channels).
        sizes: the positions of the result.
        strides, padding, dilation: as of `patches`.

    Returns:
        (batch, *sizes, channels).
    """
    rank = len(sizes)
    places, window = windows.shape[1 : 1 + rank], windows.shape[1 + rank : -1]
    padded = [size + sum(pair) for size, pair in zip(sizes, padding)]
    total = jnp.zeros((windows.shape[0], *padded, windows.shape[-1]), windows.dtype)
    for offset in _offsets(window):
        part = windows[(slice(None), *[slice(None)] * rank, *offset)]
        total = total.at[(slice(None), *_slices(offset, places, strides, dilation))].add(part)
    return total[(slice(None), *(slice(pair[0], pair[0] + size) for size, pair in zip(sizes, padding)))]


def _offsets(window):
    return itertools.product(*map(range, window))


def _places(sizes, window, strides, dilation):
    axes = zip(sizes, window, strides, dilation)
    return [(size - span(width, step)) // stride + 1 for size, width, stride, step in axes]


def _slices(offset, places, strides, dilation):
    """Where the entry at this offset of the window lies, place by place."""
    axes = zip(offset, places, strides, dilation)
    return [slice(n * step, n * step + (count - 1) * stride + 1, stride) for n, count, stride, step in axes]
