"""Convolution: sums of products of a kernel and the entries under it, as it slides along the axes of space or time.

All convolutions, the transposed ones and every gradient are one function of arrays, `correlate`, whose gradient rule stands below
it: an implementation of another kind takes its place there and nowhere else. Products are summed in float32 or wider.

On the CPU, XLA is fast for this one form (channels last, one group, the kernel in the order it is stored in): the gradients that
JAX derives by itself have other layouts and take 40 times as long in a compiled loop. Elsewhere XLA's own are used as they are.
The rule is one for reverse mode, any number of times over; forward mode (`jax.jvp`) is refused by JAX where the rule is used.
"""

import functools
import itertools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from phasewise.kernels.convolution_sizes import Around, span

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


def convolve(x, kernel, strides, padding, dilation, *, groups=1, channels_first=False):
    """y[p, f] = the sum over q and c of x[p * strides + q * dilation - before, c] * kernel[q, c, f].

    What the field calls convolution: the kernel is not flipped.

    Args:
        x: (batch, *positions, channels), or (batch, channels, *positions) where `channels_first`; floating.
        kernel: (*window, channels / groups, filters), of the dtype of `x`.
        strides, dilation: tuples of positive int, one for each axis of positions.
        padding: tuple of `Around`.
        groups: positive int that divides channels and filters: filters of the n-th group see channels of the n-th group.

    Returns:
        (batch, *positions, filters), in the layout and dtype of `x`; summed in float32 or wider, rounded once.
    """
    window = Window(strides, padding, dilation, (1,) * len(strides))
    if _backend_has_its_own():
        return _as_it_is(x, kernel, window, groups, channels_first)
    return _last(functools.partial(_grouped, window=window, groups=groups), x, kernel, channels_first)


def convolve_transposed(x, kernel, strides, padding, dilation, *, channels_first=False):
    """The gradient of `convolve` by its input: each entry of x, times the kernel, is added to the output around its place.

    Args:
        x: as for `convolve`.
        kernel: (*window, filters, channels).
        strides: positions of the output from one entry of x to the next.
        padding: of `convolution_sizes.transposed_around`.
        dilation: as for `convolve`.

    Returns:
        (batch, *positions, filters), in the layout and dtype of `x`.
    """
    window = Window((1,) * len(strides), padding, dilation, strides)
    turned = _turned(kernel)
    if _backend_has_its_own():
        return _as_it_is(x, turned, window, 1, channels_first)
    return _last(functools.partial(correlate, window=window), x, turned, channels_first)


def convolve_depthwise(x, kernel, strides, padding, dilation, *, channels_first=False):
    """`convolve` for each channel by itself: y[p, c * multiplier + m] sums x[..., c] * kernel[q, c, m] over q.

    Args:
        kernel: (*window, channels, multiplier).
        x, strides, padding, dilation: as for `convolve`.

    Returns:
        (batch, *positions, channels * multiplier), in the layout and dtype of `x`.
    """
    channels = kernel.shape[-2]
    flat = kernel.reshape(*kernel.shape[:-2], 1, -1)
    return convolve(x, flat, strides, padding, dilation, groups=channels, channels_first=channels_first)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def correlate(x, kernel, window):
    """`convolve` for one group and channels last: x (batch, *positions, channels), kernel (*window, channels, filters)."""
    return _as_it_is(x, kernel, window, 1, False)


def _forward(x, kernel, window):
    return correlate(x, kernel, window), (x, kernel)


def _backward(window, kept, slope):
    """The gradients by x and kernel, each of them a `correlate` of the gradient by the output."""
    x, kernel = kept
    sizes = zip(x.shape[1:-1], kernel.shape[:-2], slope.shape[1:-1], *window, strict=True)
    of_input, of_kernel = zip(*(_gradient_padding(*each) for each in sizes))
    to_input = Window(window.spread, of_input, window.dilation, window.strides)
    to_kernel = Window(window.dilation, of_kernel, window.strides, window.spread)
    by_input = correlate(slope, _turned(kernel), to_input)
    # Rows take the place of channels, and are summed over.
    by_kernel = correlate(_exchanged(x), jnp.moveaxis(slope, 0, -2), to_kernel)
    return by_input, jnp.moveaxis(by_kernel, 0, -2)


correlate.defvjp(_forward, _backward)


def _gradient_padding(size, kernel_size, output_size, stride, padding, dilation, spread):
    """The `Around` of both gradients along one axis: as much as makes them as large as what they are gradients by."""
    reach, wide = span(kernel_size, dilation) - 1, span(size, spread)
    across = span(output_size, stride)
    before = reach - padding[0]
    return Around(before, wide + reach - across - before), Around(padding[0], across + reach - wide - padding[0])


def _turned(kernel):
    """The kernel end to end, its last two axes exchanged."""
    return jnp.flip(kernel, range(kernel.ndim - 2)).swapaxes(-1, -2)


def _exchanged(x):
    """The first axis and the last one exchanged."""
    return jnp.swapaxes(x, 0, -1)


def _as_it_is(x, kernel, window, groups, channels_first):
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


def _grouped(x, kernel, window, groups):
    if groups == 1:
        return correlate(x, kernel, window)
    if kernel.shape[-2] == 1 and _count(kernel.shape[:-2]) <= MOST_SHIFTS:
        return _shifted(x, kernel, window)
    if groups > MOST_GROUPS:
        return _as_it_is(x, kernel, window, groups, False)
    parts = zip(jnp.split(x, groups, -1), jnp.split(kernel, groups, -1))
    return jnp.concatenate([correlate(*part, window) for part in parts], -1)


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


def _last(function: Callable[..., jax.Array], x, kernel, channels_first):
    """`function` of x with its channels last, and the outcome as x was."""
    if not channels_first:
        return function(x, kernel)
    return jnp.moveaxis(function(jnp.moveaxis(x, 1, -1), kernel), -1, 1)


def _backend_has_its_own():
    return jax.default_backend() != "cpu"


def _count(shape):
    total = 1
    for size in shape:
        total *= size
    return total
