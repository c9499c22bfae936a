"""Convolution in bfloat16 as sums of products of pairs, for processors with AVX512-BF16: where it is worth it."""

import math

import jax.numpy as jnp

from phasewise.kernels.native.convolution import LEAST_PRODUCTS as LEAST_PRODUCTS_OF_ONEDNN
from phasewise.kernels.native.convolution import shapes_of, told
from phasewise.kernels.native.library import KERNELS, are_always_called, has_bfloat16_dots
from phasewise.kernels.native.operation import Native

TARGET = "phasewise_bfloat16_convolution"
# Measured on two cores. With fewer products XLA is about as fast; with larger kernels or fewer channels of the input oneDNN is.
LEAST_PRODUCTS = 1 << 14
MOST_OF_A_KERNEL = 1 << 16
FEWEST_CHANNELS = 8


def attributes(first, second, *, part, window, groups, sizes):
    """What the native kernel is told beside the arrays; None where it does not apply or is not worth it. Arguments are `part_of`'s."""
    if first.dtype != jnp.bfloat16 or groups > 1 or len(window.strides) > 2 or {*window.spread} != {1}:
        return None
    if any(n < 0 for n in sum(window.padding, ())):
        return None
    input, kernel, output = shapes_of(first.shape, second.shape, part, window, groups, sizes)
    if not all(map(math.prod, (input, kernel, output))):
        return None
    is_worth_it = _is_worth_it(part, kernel, math.prod(output) * math.prod(kernel[:-1]))
    if not (is_worth_it or are_always_called()) or not has_bfloat16_dots():
        return None
    return told(part, window)


def _is_worth_it(part, kernel, products):
    if products < LEAST_PRODUCTS_OF_ONEDNN[part, False]:
        return products >= LEAST_PRODUCTS
    return math.prod(kernel) < MOST_OF_A_KERNEL and (part == "input" or kernel[-2] >= FEWEST_CHANNELS)


DOTS = Native(KERNELS, TARGET, attributes)
