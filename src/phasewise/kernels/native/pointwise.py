"""Convolution of a kernel of one position, as a product of matrices: where it is worth it."""

import math

import jax.numpy as jnp
import numpy as np

from phasewise.kernels.native.convolution import PARTS, shapes_of
from phasewise.kernels.native.library import KERNELS, are_always_called, lanes
from phasewise.kernels.native.operation import Native

TARGET = "phasewise_pointwise"
LEAST_PRODUCTS = 1 << 14  # with fewer, XLA is about as fast (measured on two cores)


def attributes(first, second, *, part, window, groups, sizes):
    """What the native kernel is told beside the arrays; None where it does not apply or is not worth it. Arguments are `part_of`'s."""
    if first.dtype != jnp.float32 or groups > 1 or {*window.spread} != {1}:
        return None
    # Behind the last position that is seen there may be some that are not.
    if any(before or not -stride < after <= 0 for (before, after), stride in zip(window.padding, window.strides)):
        return None
    _, kernel, output = shapes_of(first.shape, second.shape, part, window, groups, sizes)
    if {*kernel[:-2]} != {1} or (len(window.strides) > 2 and {*window.strides} != {1}):
        return None
    is_worth_it = math.prod(output) * kernel[-2] >= LEAST_PRODUCTS
    if not (is_worth_it or are_always_called()) or not lanes():
        return None
    return {"part": np.int64(PARTS.index(part)), "strides": np.array(window.strides, np.int64)}


POINTWISE = Native(KERNELS, TARGET, attributes)
