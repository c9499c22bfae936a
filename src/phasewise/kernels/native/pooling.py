"""Pooling with a moving window: which of it is computed natively, and what the native kernels are told."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.kernels.native.library import are_always_called, are_at_hand

MOST_IN_A_WINDOW = 255  # entries of a window have numbers of a byte

# From how many entries of the input on, measured on two cores with a rectifier before them and without.
FEWEST_ENTRIES = 1 << 18
FEWEST_WHERE_WINDOWS_OVERLAP = 1 << 21
FEWEST_CHANNELS = 4
# Along each axis; XLA pools along one axis after the other, and so reads less where more windows overlap.
MOST_WINDOWS_OVER_AN_ENTRY = 3
FEWEST_SEQUENCES = 4  # threads share them out whole


def suits(x, window, strides, padding, *, with_gradient=False):
    """Whether pooling of `x` is to be computed natively.

    Args:
        x, window, strides, padding: `max_pool`'s. The window moves over at most three axes, with channels behind them.
        with_gradient: whether that is asked of a maximum of which the gradient is computed as well. Where windows lie side by side
            XLA makes both in one loop with what stands before them.
    """
    return (
        x.dtype in (jnp.float32, jnp.bfloat16)
        and all(isinstance(size, int) for size in x.shape)
        and _sizes(x.shape, window, strides) is not None
        and math.prod(window) <= MOST_IN_A_WINDOW
        and (are_always_called() or _is_worth_it(x, window, strides, with_gradient))
        and are_at_hand(x)
    )


def of_input(x, *_, window, strides, padding):
    """What the kernels are told whose first array is the input, or has its shape."""
    return _attributes(x.shape, window, strides, padding)


def of_slope(_, *, shape, window, strides, padding):
    """What the kernel is told that makes the gradient of a mean, of this shape; where windows lie side by side XLA makes it on the way."""
    if not (_overlap(window, strides) or are_always_called()):
        return None
    return _attributes(shape, window, strides, padding)


def _is_worth_it(x, window, strides, with_gradient):
    outer, *between, _, channels = _sizes(x.shape, window, strides)
    moves_along_one_axis = max(between) == 1
    if _overlap(window, strides):
        suits_as_it_moves = not moves_along_one_axis or x.dtype == jnp.bfloat16
        fewest = FEWEST_WHERE_WINDOWS_OVERLAP
    else:
        suits_as_it_moves = not with_gradient
        fewest = FEWEST_ENTRIES
    return (
        suits_as_it_moves
        and x.size >= fewest
        and channels >= FEWEST_CHANNELS
        and all(width <= MOST_WINDOWS_OVER_AN_ENTRY * stride for width, stride in zip(window, strides))
        and (outer >= FEWEST_SEQUENCES or not moves_along_one_axis)
    )


def _overlap(window, strides):
    return any(width > stride for width, stride in zip(window, strides))


def _moving(window, strides):
    """From and up to which axis there is something to do."""
    axes = [axis for axis, sizes in enumerate(zip(window, strides)) if sizes != (1, 1)]
    return (axes[0], axes[-1] + 1) if axes else (0, 0)


def _sizes(shape, window, strides):
    """`shape` as (outer, three axes, channels); None where that is not possible."""
    first, end = _moving(window, strides)
    if not 0 < end - first <= 3 or end == len(shape) or 0 in shape:
        return None
    return (math.prod(shape[:first]), *_three(shape[first:end]), math.prod(shape[end:]))


def _three(sizes, missing=1):
    return (*(missing,) * (3 - len(sizes)), *sizes)


def _attributes(shape, window, strides, padding):
    first, end = _moving(window, strides)
    pads = jax.lax.padtype_to_pads(shape, window, strides, padding.upper())[first:end]
    given = zip(shape[first:end], pads, window[first:end], strides[first:end])
    output = _three([(size + sum(pad) - width) // stride + 1 for size, pad, width, stride in given])
    if min(output) < 1:
        return None
    input_ = _sizes(shape, window, strides)
    lists = {
        "input": input_,
        "output": (input_[0], *output, input_[-1]),
        "window": _three(window[first:end]),
        "strides": _three(strides[first:end]),
        "before": _three([before for before, _ in pads], 0),
    }
    return {name: np.array(numbers, np.int64) for name, numbers in lists.items()}
