"""Convolution in float32 as sums of products of patches: where it is worth it."""

import math

import jax.numpy as jnp

from phasewise.kernels.native.convolution import shapes_of, told
from phasewise.kernels.native.library import KERNELS, are_always_called, lanes
from phasewise.kernels.native.operation import Native

TARGET = "phasewise_direct"
# Measured on two cores: a large kernel's gradient is gone through for each row of outputs, which takes longer than oneDNN where a row is short.
MOST_OF_A_KERNEL = 1 << 18
SHORT_ROW = 8


def attributes(first, second, *, part, window, groups, sizes):
    """What the native kernel is told beside the arrays; None where it does not apply or is not worth it. Arguments are `part_of`'s."""
    if first.dtype != jnp.float32 or groups > 1 or len(window.strides) > 2 or {*window.spread} != {1}:
        return None
    if any(n < 0 for n in sum(window.padding, ())):
        return None
    shapes = shapes_of(first.shape, second.shape, part, window, groups, sizes)
    if not all(map(math.prod, shapes)) or not lanes():
        return None
    _, kernel, output = shapes
    is_slow = part == "kernel" and math.prod(kernel) >= MOST_OF_A_KERNEL and output[-2] < SHORT_ROW
    return None if is_slow and not are_always_called() else told(part, window)


DIRECT = Native(KERNELS, TARGET, attributes)
