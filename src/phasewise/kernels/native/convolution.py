"""Convolution by oneDNN: what it takes, and where it is worth it."""

import ctypes
import functools
import math

import jax.numpy as jnp
import numpy as np

from phasewise.kernels.native.library import (
    Library,
    are_always_called,
    has_bfloat16,
    limit_onednn,
    load_onednn,
    loaded,
    usable,
)

TARGET = "phasewise_convolution"
LIBRARY = Library("libphasewise_convolution.so", (TARGET,), load_onednn, limit_onednn)

# Products in all, by the part that is asked for and whether there are groups: with fewer, XLA has done before a call of oneDNN has
# been handed to its threads and back, some 100 microseconds. Measured on two cores.
LEAST_PRODUCTS = {
    ("output", False): 1 << 24,
    ("input", False): 1 << 24,
    ("kernel", False): 1 << 22,
    ("output", True): 1 << 22,
    ("input", True): 1 << 20,
    ("kernel", True): 1 << 20,
}

PARTS = ("output", "input", "kernel")
"""What C++ calls 0, 1 and 2."""


def attributes(first, second, *, part, window, groups, sizes):
    """What the native kernel is told beside the arrays; None where it does not apply or XLA is faster. Arguments are `part_of`'s."""
    shapes = shapes_of(first.shape, second.shape, part, window, groups, sizes)
    if not (_products(shapes) >= LEAST_PRODUCTS[part, groups > 1] or are_always_called()):
        return None
    return attributes_at_any_size(first, second, part=part, window=window, groups=groups, sizes=sizes)


def attributes_at_any_size(first, second, *, part, window, groups, sizes):
    """`attributes`, also where XLA is faster."""
    if first.dtype not in (jnp.float32, jnp.bfloat16) or len(window.strides) > 3 or set(window.spread) != {1}:
        return None
    # With less than no padding, as behind a transposed convolution of strides longer than its kernel, oneDNN 3.2 crashes, runs on
    # for ever or gives other numbers (`jit_avx2_1x1`).
    if any(n < 0 for n in sum(window.padding, ())):
        return None
    # Without instructions for it oneDNN goes by way of float32, more slowly than the kernels of float32 do.
    if first.dtype == jnp.bfloat16 and not has_bfloat16():
        return None
    # There oneDNN 3.2 reads memory that nobody has written, where the rows are padded: the result is NaN now and then.
    if part == "kernel" and first.dtype == jnp.bfloat16 and max(window.dilation[:-1], default=1) > 1:
        return None
    if not usable(LIBRARY):
        return None
    shapes = shapes_of(first.shape, second.shape, part, window, groups, sizes)
    before, after = zip(*window.padding)
    numbers = (*window.strides, *window.dilation, *before, *after)
    name = implementation(PARTS.index(part), groups, first.dtype == jnp.bfloat16, shapes, numbers)
    if not name or name.startswith("ref"):
        return None
    return {**told(part, window), "groups": np.int64(groups), "after": np.array(after, np.int64)}


def told(part, window):
    """What kernels with a window are told: the part that is asked for, and how the window moves."""
    return {
        "part": np.int64(PARTS.index(part)),
        "strides": np.array(window.strides, np.int64),
        "dilation": np.array(window.dilation, np.int64),
        "before": np.array([before for before, _ in window.padding], np.int64),
    }


def shapes_of(first, second, part, window, groups, sizes):
    """The shapes of input, kernel and output; arguments are `part_of`'s, with the shapes of the arrays."""
    if part == "input":
        return (second[0], *sizes, first[-2] * groups), first, second
    if part == "kernel":
        return first, (*sizes, first[-1] // groups, second[-1]), second
    reaches = ((size - 1) * step for size, step in zip(second, window.dilation))
    positions = (
        (size + sum(pair) - reach - 1) // stride + 1
        for size, pair, reach, stride in zip(first[1:-1], window.padding, reaches, window.strides)
    )
    return first, second, (first[0], *positions, second[-1])


def _products(shapes):
    _, kernel, output = shapes
    return math.prod(output[:-1]) * math.prod(kernel)


@functools.lru_cache(4096)
def implementation(part, groups, is_half, shapes, numbers):
    """The name that oneDNN has for its implementation of a convolution; "" where it has none."""
    given = np.array([part, groups, is_half, len(shapes[0]) - 2, *sum(shapes, ()), *numbers], np.int64)
    name = ctypes.create_string_buffer(128)
    ask = loaded(LIBRARY).phasewise_convolution_implementation
    ask(given.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)), name, ctypes.c_int64(len(name)))
    return name.value.decode()
