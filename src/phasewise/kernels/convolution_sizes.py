"""How many positions a window has, what is added around the input, and how many positions come out: integers alone."""

from typing import NamedTuple


def span(kernel_size: int, dilation: int) -> int:
    """How many positions of the input a window of `kernel_size` entries reaches over."""
    return (kernel_size - 1) * dilation + 1


class Around(NamedTuple):
    """How many zeros are put before and after the positions of one axis."""

    before: int
    after: int


def around(padding: str, size: int, kernel_size: int, stride: int, dilation: int) -> Around:
    """The zeros around one axis.

    Args:
        padding: "valid" (none), "same" (as many as give ceil(size / stride) positions, the odd one after) or "causal" (all before,
            so that no output sees a later input).
        size, kernel_size, stride, dilation: positive int.
    """
    window = span(kernel_size, dilation)
    if padding == "valid":
        return Around(0, 0)
    if padding == "causal":
        return Around(window - 1, 0)
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return Around(total // 2, total - total // 2)


def output_size(padding: str, size: int | None, kernel_size: int, stride: int, dilation: int) -> int | None:
    """How many positions come out along one axis: arguments as for `around`; None where `size` is unknown."""
    if size is None:
        return None
    return (
        size + sum(around(padding, size, kernel_size, stride, dilation)) - span(kernel_size, dilation)
    ) // stride + 1


def transposed_around(padding: str, output_padding: int | None, kernel_size: int, stride: int, dilation: int) -> Around:
    """The zeros around one axis of the input of a transposed convolution, whose positions lie `stride` apart.

    Args:
        padding: "valid" or "same".
        output_padding: how many positions more there are at the end of the output, less than `stride`; None for as many as make
            the output `size * stride` long ("same"), or at least that ("valid").
        kernel_size, stride, dilation: positive int.
    """
    window = span(kernel_size, dilation)
    if padding == "valid":
        more = max(stride - window, 0) if output_padding is None else output_padding
        return Around(window - 1, window - 1 + more)
    more = stride - window % 2 if output_padding is None else output_padding
    total = window + window % 2 - 2 + more
    before = min(total - total // 2, window - 1)
    return Around(before, total - before)


def transposed_output_size(
    padding: str, output_padding: int | None, size: int | None, kernel_size: int, stride: int, dilation: int
) -> int | None:
    """How many positions come out of a transposed convolution along one axis; None where `size` is unknown."""
    if size is None:
        return None
    zeros = transposed_around(padding, output_padding, kernel_size, stride, dilation)
    return (size - 1) * stride + 1 + sum(zeros) - (span(kernel_size, dilation) - 1)
