"""Convolutions over one, two or three axes of positions."""

import jax.numpy as jnp

from phasewise.core.arguments import check_sizes
from phasewise.kernels.convolution import convolve, convolve_depthwise, convolve_transposed
from phasewise.kernels.convolution_sizes import transposed_around
from phasewise.ops.op import arrays, op
from phasewise.ops.windows import arounds, check_rank, is_first, padding_of, positions_of


def _prepared(owner, inputs, kernel, data_format):
    inputs, kernel = arrays(inputs, kernel)
    rank = check_rank(owner, inputs)
    if kernel.ndim != rank + 2:
        raise ValueError(
            f"{owner} takes a kernel of {rank + 2} axes for inputs of shape {inputs.shape}; got one of shape {kernel.shape}."
        )
    dtype = jnp.promote_types(inputs.dtype, kernel.dtype)
    return inputs.astype(dtype), kernel.astype(dtype), rank, is_first(owner, data_format)


def _window(owner, inputs, kernel, strides, padding, dilation_rate, rank, first):
    strides = check_sizes(owner, "strides", strides, rank)
    dilation = check_sizes(owner, "dilation_rate", dilation_rate, rank)
    window, positions = kernel.shape[:rank], positions_of(inputs, first)
    return strides, arounds(padding_of(owner, padding), positions, window, strides, dilation), dilation


@op
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """The sums of products of a kernel and the entries under it, as it slides (no kernel is flipped).

    Args:
        inputs: (batch, *positions, channels), or the channels behind the batch by `data_format`; one to three axes of positions.
        kernel: (*window, channels / groups, filters): fewer channels than the inputs have mean so many groups.
        strides: int, or one for each axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.
        dilation_rate: int, or one for each axis: from one entry of the kernel to the next.

    Returns:
        (batch, *positions, filters), in the inputs' layout.
    """
    inputs, kernel, rank, first = _prepared("conv", inputs, kernel, data_format)
    channels = inputs.shape[1 if first else -1]
    groups, rest = divmod(channels, kernel.shape[-2])
    if rest or kernel.shape[-1] % groups:
        raise ValueError(
            f"conv takes a kernel whose channels divide those of the inputs, and as many times its filters; got {channels} channels "
            f"and a kernel of shape {kernel.shape}."
        )
    moves = _window("conv", inputs, kernel, strides, padding, dilation_rate, rank, first)
    return convolve(inputs, kernel, *moves, groups=groups, channels_first=first)


@op
def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """`conv` for each channel by itself.

    Args:
        kernel: (*window, channels, multiplier).
        others: as of `conv`; one or two axes of positions.

    Returns:
        (batch, *positions, channels * multiplier), in the inputs' layout.
    """
    inputs, kernel, rank, first = _prepared("depthwise_conv", inputs, kernel, data_format)
    moves = _window("depthwise_conv", inputs, kernel, strides, padding, dilation_rate, rank, first)
    return convolve_depthwise(inputs, kernel, *moves, channels_first=first)


@op
def separable_conv(
    inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """`depthwise_conv`, and a `conv` of window 1 that mixes the channels.

    Args:
        depthwise_kernel: (*window, channels, multiplier).
        pointwise_kernel: (1, …, 1, channels * multiplier, filters).
        others: as of `conv`.
    """
    thin = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(thin, pointwise_kernel, 1, "valid", data_format)


@op
def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """The gradient of `conv` by its input: each entry, times the kernel, is added around its place.

    Args:
        inputs: as of `conv`.
        kernel: (*window, filters, channels).
        strides: positions of the output from one entry to the next.
        padding: "valid" or "same".
        output_padding: how many positions more there are at the end, below `strides`; None for as many as make the output `size *
            strides` long ("same"), or at least that ("valid").
        others: as of `conv`.

    Returns:
        (batch, *positions, filters), in the inputs' layout.
    """
    name = "conv_transpose"
    inputs, kernel, rank, first = _prepared(name, inputs, kernel, data_format)
    strides, dilation = (
        check_sizes(name, "strides", strides, rank),
        check_sizes(name, "dilation_rate", dilation_rate, rank),
    )
    more = (None,) * rank if output_padding is None else check_sizes(name, "output_padding", output_padding, rank, 0)
    word = padding_of(name, padding)
    zeros = tuple(transposed_around(word, *each) for each in zip(more, kernel.shape[:rank], strides, dilation))
    return convolve_transposed(inputs, kernel, strides, zeros, dilation, channels_first=first)
