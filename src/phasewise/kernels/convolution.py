"""Convolution: sums of products of a kernel and the entries under it, as it slides along the axes of space or time.

Three arrays belong together: the input, the kernel and the output. Two of them give the third, and each of these three functions
is linear in either argument: the convolution is one of them, the gradients of each are the other two. A transposed convolution is
the one that gives the input. So all of it is one operation, `part_of`, with the rules for its derivatives below, and several
implementations: `convolution_in_xla` and the native ones. Products are summed in float32 or wider.

A row's digits do not depend on what shares its batch, nor on its place there, in a program for one CPU. Not in one that is
differentiated, as a step of training is: there the fastest implementation is taken, without regard to that.

That is for the CPU. On other devices XLA's convolution and the gradients that JAX derives are used as they are.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.interpreters import ad

from phasewise.kernels.convolution_in_xla import PARTS, Window, one_call, turned
from phasewise.kernels.convolution_in_xla import part_of as part_in_xla
from phasewise.kernels.convolution_in_xla import rows_of as rows_in_xla
from phasewise.kernels.convolution_sizes import Around, span
from phasewise.kernels.explicit_axes import left_to_the_compiler
from phasewise.kernels.native import convolution as native
from phasewise.kernels.native.depthwise import DEPTHWISE
from phasewise.kernels.native.direct import DIRECT
from phasewise.kernels.native.dots import DOTS
from phasewise.kernels.native.operation import operation
from phasewise.kernels.native.pointwise import POINTWISE
from phasewise.kernels.native.winograd import WINOGRAD


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
        return one_call(x, kernel, window, groups, channels_first)
    return _last(lambda x, kernel: part_of("output", x, kernel, window, groups), x, kernel, channels_first)


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
    ones = (1,) * len(strides)
    if _backend_has_its_own():
        return one_call(x, turned(kernel), Window(ones, padding, dilation, strides), 1, channels_first)
    reaches = [span(size, step) - 1 for size, step in zip(kernel.shape, dilation)]
    around = tuple(Around(reach - before, reach - after) for reach, (before, after) in zip(reaches, padding))
    positions = x.shape[2:] if channels_first else x.shape[1:-1]
    sizes = tuple(
        span(size, stride) + sum(pair) - reach
        for size, stride, pair, reach in zip(positions, strides, padding, reaches)
    )
    window = Window(strides, around, dilation, ones)
    return _last(lambda x, kernel: part_of("input", kernel, x, window, sizes=sizes), x, kernel, channels_first)


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


def part_of(part, first, second, window, groups=1, sizes=None, *, of_rows=True):
    """One of input (batch, *positions, channels), kernel (*window, channels / groups, filters) and output (batch, *positions, filters).

    Args:
        part: "input", "kernel" or "output": which of them; the former two are gradients of the sum of the products of the output
            with a third array that stands in its place.
        first, second: the other two, in that order.
        window: with a `spread` of ones.
        sizes: the sizes of the part in space, which an output's follow from.
        of_rows: whether a row's digits must not depend on its place in the batch; not for a kernel.
    """
    chosen = _PART_OF_ROWS if of_rows else _PART

    def computed(first, second):
        return chosen.bind(first, second, part=part, window=window, groups=groups, sizes=sizes)[0]

    return left_to_the_compiler(computed, first, second, rows_of={"output": first, "input": second}.get(part))


def _plain(first, second, **parameters):
    return _in_float32(_PART, part_in_xla, first, second, parameters)


def _row_by_row(first, second, **parameters):
    return _in_float32(_PART_OF_ROWS, rows_in_xla, first, second, parameters)


def _in_float32(operation_of_it, in_xla, first, second, parameters):
    """In XLA's operations; numbers narrower than float32 as such, for which there are native kernels on every processor."""
    if first.dtype.itemsize >= 4:
        return [in_xla(first, second, **parameters)]
    (sums,) = operation_of_it.bind(first.astype(jnp.float32), second.astype(jnp.float32), **parameters)
    return [sums.astype(first.dtype)]


_NATIVE = {
    "library": native.LIBRARY,
    "target": native.TARGET,
    "preferred": (DEPTHWISE, POINTWISE, WINOGRAD, DIRECT, DOTS),
}
_PART = operation("phasewise_convolution", _plain, attributes=native.attributes, **_NATIVE)
_PART_OF_ROWS = operation(
    "phasewise_convolution_of_rows",
    _plain,
    attributes=native.attributes_at_any_size,
    on_one_cpu=_row_by_row,
    **_NATIVE,
)


def _tangent(primals, tangents, **parameters):
    """The derivative by both arguments: the operation is linear in each."""
    outputs = _PART.bind(*primals, **parameters)
    total = None
    for place, tangent in enumerate(tangents):
        if isinstance(tangent, ad.Zero):
            continue
        (term,) = _PART.bind(*(tangent if place == each else primals[each] for each in range(2)), **parameters)
        total = term if total is None else total + term
    return outputs, [ad.Zero.from_primal_value(outputs[0]) if total is None else total]


def _transposed(slopes, *arguments, part, window, groups, sizes):
    """The gradient by the argument that is asked for: what the slope, in place of the part, and the other argument give."""
    (slope,) = slopes
    if isinstance(slope, ad.Zero):
        return [None, None]
    there = dict(zip((role for role in PARTS if role != part), arguments, strict=True)) | {part: slope}
    gradients = []
    for role, argument in there.items():
        if role == part:
            continue
        if not ad.is_undefined_primal(argument):
            gradients.append(None)
            continue
        others = (there[each] for each in PARTS if each != role)
        sizes = _sizes(role, argument.aval.shape)
        gradients.append(part_of(role, *others, window, groups, sizes, of_rows=False))
    return gradients


def _sizes(role, shape):
    return {"input": shape[1:-1], "kernel": shape[:-2], "output": None}[role]


for each in (_PART, _PART_OF_ROWS):
    ad.primitive_jvps[each] = _tangent
    ad.primitive_transposes[each] = _transposed


def _last(function: Callable[..., jax.Array], x, kernel, channels_first):
    """`function` of x with its channels last, and the outcome as x was."""
    if not channels_first:
        return function(x, kernel)
    return jnp.moveaxis(function(jnp.moveaxis(x, 1, -1), kernel), -1, 1)


def _backend_has_its_own():
    return jax.default_backend() != "cpu"
