"""Convolution in XLA's operations, for the CPU: the output, the gradient by the input, the gradient by the kernel.

XLA is fast for one form (channels last, one group, the kernel in the order it is stored in), which all three are brought into: the
gradients that JAX derives by itself have other layouts and take 40 times as long in a compiled loop.
"""

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from phasewise.kernels.convolution_sizes import Around, span

PARTS = ("input", "kernel", "output")

MOST_SHIFTS = 128  # positions of a kernel that are worth a product each
MOST_GROUPS = 32  # groups that are worth a call each


class Window(NamedTuple):
    """How a kernel slides: a tuple with one entry for each axis of space or time.

    Attributes:
        strides: positions from one output to the next.
        padding: `Around`, the zeros put around the input; a negative number takes positions away.
        dilation: positions from one entry of the kernel to the next.
        spread: positions from one entry of the input to the next, zeros between them.
    """

    strides: tuple[int, ...]
    padding: tuple[Around, ...]
    dilation: tuple[int, ...]
    spread: tuple[int, ...]


def part_of(first, second, *, part, window, groups, sizes):
    """`convolution.part_of` in XLA's operations."""
    if groups == 1:
        return _of_one_group(first, second, part, window, sizes)
    if _is_of_shifts(first, second, part, groups, sizes):
        return _by_derivative(lambda x, kernel: _shifted(x, kernel, window), first, second, part, groups, sizes)
    if groups > MOST_GROUPS:
        return _by_derivative(
            lambda x, kernel: one_call(x, kernel, window, groups, False), first, second, part, groups, sizes
        )
    parts = zip(jnp.split(first, groups, -1), jnp.split(second, groups, -1))
    return jnp.concatenate([_of_one_group(*each, part, window, sizes) for each in parts], -1)


def rows_of(first, second, *, part, window, groups, sizes):
    """`part_of` where that is an input or an output, row after row: each is computed alike, wherever it stands in the batch.

    XLA's convolution takes the positions of all rows for the columns of one matrix, divides them among threads, and sums the last
    columns of each share in another order: of (32, 5, 5, 3) by a kernel of 3 x 3 the last row has other digits than in first place.
    """
    of_rows = functools.partial(part_of, part=part, window=window, groups=groups, sizes=sizes)
    batch = first if part == "output" else second
    if len(batch) == 1 or (groups > 1 and _is_of_shifts(first, second, part, groups, sizes)):
        return of_rows(first, second)
    if part == "output":
        return jax.lax.map(lambda row: of_rows(row[None], second)[0], first)
    return jax.lax.map(lambda row: of_rows(first, row[None])[0], second)


def _is_of_shifts(first, second, part, groups, sizes):
    """Whether filters see one channel each, and few enough positions for `_shifted`."""
    if part == "kernel":
        return groups == first.shape[-1] and _count(sizes) <= MOST_SHIFTS
    kernel = second if part == "output" else first
    return kernel.shape[-2] == 1 and _count(kernel.shape[:-2]) <= MOST_SHIFTS


def _of_one_group(first, second, part, window, sizes):
    """Each of the three is one call: with the gradient by the output for an input, or for a kernel."""
    if part == "output":
        return one_call(first, second, window, 1, False)
    if part == "input":
        kernel, slope = first, second
        each = zip(sizes, kernel.shape[:-2], slope.shape[1:-1], *window, strict=True)
        around, _ = zip(*(_gradient_padding(*axis) for axis in each))
        return one_call(slope, turned(kernel), Window(window.spread, around, window.dilation, window.strides), 1, False)
    x, slope = first, second
    each = zip(x.shape[1:-1], sizes, slope.shape[1:-1], *window, strict=True)
    _, around = zip(*(_gradient_padding(*axis) for axis in each))
    # Rows take the place of channels, and are summed over.
    to_kernel = Window(window.dilation, around, window.strides, window.spread)
    by_kernel = one_call(jnp.swapaxes(x, 0, -1), jnp.moveaxis(slope, 0, -2), to_kernel, 1, False)
    return jnp.moveaxis(by_kernel, 0, -2)


def _by_derivative(function, first, second, part, groups, sizes):
    """A part by the derivative of `function(x, kernel)`, which is linear in either."""
    if part == "output":
        return function(first, second)
    if part == "input":
        kernel, slope = first, second
        shape = (slope.shape[0], *sizes, kernel.shape[-2] * groups)
        (missing,) = jax.vjp(lambda x: function(x, kernel), jnp.zeros(shape, slope.dtype))[1](slope)
        return missing
    x, slope = first, second
    shape = (*sizes, x.shape[-1] // groups, slope.shape[-1])
    (missing,) = jax.vjp(lambda kernel: function(x, kernel), jnp.zeros(shape, x.dtype))[1](slope)
    return missing


def _gradient_padding(size, kernel_size, output_size, stride, padding, dilation, spread):
    """The `Around` of both gradients along one axis: as much as makes them as large as what they are gradients by."""
    reach, wide = span(kernel_size, dilation) - 1, span(size, spread)
    across = span(output_size, stride)
    before = reach - padding[0]
    return Around(before, wide + reach - across - before), Around(padding[0], across + reach - wide - padding[0])


def turned(kernel):
    """The kernel end to end, its last two axes exchanged."""
    return jnp.flip(kernel, range(kernel.ndim - 2)).swapaxes(-1, -2)


def one_call(x, kernel, window, groups, channels_first):
    """One call of XLA."""
    space = "DHW"[-len(window.strides) :]
    layout = f"NC{space}" if channels_first else f"N{space}C"
    padding = window.padding
    if not all(isinstance(size, int) for pair in padding for size in pair):
        # They depend on a size that is left open, as in an exported program; XLA's convolution takes numbers alone.
        x, padding = _padded(x, window, channels_first), ((0, 0),) * len(padding)
        window = window._replace(spread=(1,) * len(padding))
    sums = jax.lax.conv_general_dilated(
        x,
        kernel,
        window.strides,
        padding,
        lhs_dilation=window.spread,
        rhs_dilation=window.dilation,
        dimension_numbers=(layout, f"{space}IO", layout),
        feature_group_count=groups,
        preferred_element_type=jnp.promote_types(x.dtype, jnp.float32),
    )
    return sums.astype(x.dtype)


def _padded(x, window, channels_first):
    """The input with zeros around and between its positions."""
    around = [(*pair, spread - 1) for pair, spread in zip(window.padding, window.spread)]
    rest = [(0, 0, 0)]
    config = rest + (rest + around if channels_first else around + rest)
    return jax.lax.pad(x, jnp.zeros((), x.dtype), config)


def _shifted(x, kernel, window):
    """A kernel that sees one channel alone: a sum of products of the shifted input, which one pass computes.

    XLA's convolution of so many groups takes ten times as long on the CPU.
    """
    wide = jnp.promote_types(x.dtype, jnp.float32)
    padded = jnp.pad(x.astype(wide), ((0, 0), *window.padding, (0, 0)))
    if kernel.shape[-1] != x.shape[-1]:
        padded = jnp.repeat(padded, kernel.shape[-1] // x.shape[-1], -1)
    sums = None
    for place in itertools.product(*map(range, kernel.shape[:-2])):
        part = padded
        for axis, (entry, stride, step) in enumerate(zip(place, window.strides, window.dilation)):
            last = padded.shape[axis + 1] - span(kernel.shape[axis], step) + entry * step
            part = jax.lax.slice_in_dim(part, entry * step, last + 1, stride, axis + 1)
        product = part * kernel[(*place, 0)].astype(wide)
        sums = product if sums is None else sums + product
    return sums.astype(x.dtype)


def _count(shape):
    total = 1
    for size in shape:
        total *= size
    return total
