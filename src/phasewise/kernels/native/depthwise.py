"""Convolution of each channel by itself: where the native kernel is worth it."""

import math

import jax.numpy as jnp

from phasewise.kernels.native.convolution import shapes_of, told
from phasewise.kernels.native.library import KERNELS, are_always_called, lanes
from phasewise.kernels.native.operation import Native

TARGET = "phasewise_depthwise"
LEAST_PRODUCTS = 1 << 14  # with fewer, XLA is about as fast (measured on two cores)


def attributes(first, second, *, part, window, groups, sizes):
    """What the native kernel is told beside the arrays; None where it does not apply or is not worth it. Arguments are `part_of`'s."""
    if first.dtype != jnp.float32 or groups == 1 or len(window.strides) > 2 or {*window.spread} != {1}:
        return None
    input, kernel, output = shapes_of(first.shape, second.shape, part, window, groups, sizes)
    if not input[-1] == groups == kernel[-1] or not math.prod(kernel):
        return None
    is_worth_it = math.prod(output) * math.prod(kernel[:-2]) >= LEAST_PRODUCTS
    if not (is_worth_it or are_always_called()) or not lanes():
        return None
    return told(part, window)


DEPTHWISE = Native(KERNELS, TARGET, attributes)
