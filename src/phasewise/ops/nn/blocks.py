"""Images as blocks and back: sliding windows as columns, channels as squares of pixels."""

import math

import jax.numpy as jnp

from phasewise.core.arguments import check_sizes
from phasewise.kernels.patches import added_up, patches
from phasewise.ops.op import op
from phasewise.ops.windows import is_first


def _moves(name, kernel_size, dilation, padding, stride):
    window, step, by = (
        check_sizes(name, argument, value, 2)
        for argument, value in (("kernel_size", kernel_size), ("dilation", dilation), ("stride", stride))
    )
    around = [(n, n) for n in check_sizes(name, "padding", padding, 2, 0)]
    return window, step, around, by


@op
def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """Sliding windows of images as columns.

    Args:
        x: (batch, channels, height, width).
        kernel_size, dilation, padding, stride: int, or a pair: for the height and the width.

    Returns:
        (batch, channels * window's entries, windows): entries of a channel side by side.
    """
    window, step, around, by = _moves("unfold", kernel_size, dilation, padding, stride)
    found = patches(jnp.moveaxis(jnp.asarray(x), 1, -1), window, by, around, step)
    batch, *places = found.shape[:3]
    moved = found.transpose(0, 5, 3, 4, 1, 2)
    return moved.reshape(batch, moved.shape[1] * math.prod(window), math.prod(places))


@op
def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns as sliding windows of images, added up where they overlap: what undoes `unfold`, but for that.

    Args:
        x: (batch, channels * window's entries, windows).
        output_size: int, or a pair: height and width of the images.
        others: as of `unfold`.

    Returns:
        (batch, channels, height, width).

    Raises:
        ValueError: the columns are not as many as there are windows, or not as long.
    """
    window, step, around, by = _moves("fold", kernel_size, dilation, padding, stride)
    x, output = jnp.asarray(x), check_sizes("fold", "output_size", output_size, 2)
    places = [
        (size + sum(pair) - (width - 1) * gap - 1) // move + 1
        for size, pair, width, gap, move in zip(output, around, window, step, by)
    ]
    batch, entries, count = x.shape
    if count != math.prod(places) or entries % math.prod(window):
        raise ValueError(
            f"fold takes (batch, channels * {math.prod(window)}, {math.prod(places)}) for output_size={output_size!r} and kernel_size="
            f"{kernel_size!r}; got shape {x.shape}."
        )
    split = x.reshape(batch, entries // math.prod(window), *window, *places)
    images = added_up(split.transpose(0, 4, 5, 2, 3, 1), output, by, around, step)
    return jnp.moveaxis(images, -1, 1)


@op
def depth_to_space(x, block_size, data_format="channels_last"):
    """Channels as squares of pixels: (batch, h, w, b² c) to (batch, b h, b w, c), or with the channels behind the batch.

    Raises:
        ValueError: the channels cannot be divided by the square of `block_size`.
    """
    x, first = jnp.asarray(x), is_first("depth_to_space", data_format)
    channels, (height, width) = x.shape[1 if first else 3], x.shape[2:] if first else x.shape[1:3]
    if channels % block_size**2:
        raise ValueError(
            f"depth_to_space takes a number of channels that {block_size}² divides; got shape {x.shape}, {data_format}."
        )
    fewer = channels // block_size**2
    if first:
        split = x.reshape(-1, fewer, block_size, block_size, height, width).transpose(0, 1, 4, 2, 5, 3)
        return split.reshape(x.shape[0], fewer, height * block_size, width * block_size)
    split = x.reshape(-1, height, width, block_size, block_size, fewer).transpose(0, 1, 3, 2, 4, 5)
    return split.reshape(x.shape[0], height * block_size, width * block_size, fewer)


@op
def space_to_depth(x, block_size, data_format="channels_last"):
    """Squares of pixels as channels: (batch, b h, b w, c) to (batch, h, w, b² c), or with the channels behind the batch.

    Raises:
        ValueError: height or width cannot be divided by `block_size`.
    """
    x, first = jnp.asarray(x), is_first("space_to_depth", data_format)
    channels, (height, width) = x.shape[1 if first else 3], x.shape[2:] if first else x.shape[1:3]
    if height % block_size or width % block_size:
        raise ValueError(
            f"space_to_depth takes a height and a width that {block_size} divides; got shape {x.shape}, {data_format}."
        )
    rows, columns, more = height // block_size, width // block_size, channels * block_size**2
    if first:
        split = x.reshape(-1, channels, rows, block_size, columns, block_size).transpose(0, 1, 3, 5, 2, 4)
        return split.reshape(x.shape[0], more, rows, columns)
    split = x.reshape(-1, rows, block_size, columns, block_size, channels).transpose(0, 1, 3, 2, 4, 5)
    return split.reshape(x.shape[0], rows, columns, more)
