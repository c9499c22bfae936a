"""Patches of images and volumes."""

import math

import jax.numpy as jnp

from phasewise.core.arguments import check_sizes
from phasewise.kernels.patches import patches
from phasewise.ops.op import op
from phasewise.ops.windows import arounds, is_first, padding_of


@op
def extract_patches(images, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """The windows of images side by side, each flattened: rows, columns, channels.

    Args:
        images: one, or a batch; volumes where `size` has three numbers.
        size: int, or (height, width), or (depth, height, width).
        strides: from one window to the next, the same; None is `size`.
        dilation_rate: int, or one for each axis: from one entry of a window to the next.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Returns:
        (batch, rows of windows, columns of windows, entries of a window), or the entries behind the batch.

    Raises:
        ValueError: an argument is out of its range.
    """
    rank = len(size) if isinstance(size, list | tuple) and len(size) == 3 else 2
    return _extracted("extract_patches", images, size, strides, dilation_rate, padding, data_format, rank)


@op
def extract_patches_3d(volumes, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """The windows of volumes (batch, depth, height, width, channels), each flattened: arguments as of `extract_patches`."""
    return _extracted("extract_patches_3d", volumes, size, strides, dilation_rate, padding, data_format, 3)


def _extracted(name, images, size, strides, dilation_rate, padding, data_format, rank):
    images = jnp.asarray(images)
    if images.ndim not in (rank + 1, rank + 2):
        raise ValueError(f"{name} takes arrays of {rank + 1} axes, or batches of {rank + 2}; got shape {images.shape}.")
    first, is_one = is_first(name, data_format), images.ndim == rank + 1
    batch = images[None] if is_one else images
    batch = jnp.moveaxis(batch, 1, -1) if first else batch
    window = check_sizes(name, "size", size, rank)
    by = window if strides is None else check_sizes(name, "strides", strides, rank)
    step = check_sizes(name, "dilation_rate", dilation_rate, rank)
    zeros = arounds(padding_of(name, padding), batch.shape[1:-1], window, by, step)
    found = patches(batch, window, by, zeros, step)
    found = found.reshape(*found.shape[: rank + 1], math.prod(window) * batch.shape[-1])
    found = jnp.moveaxis(found, -1, 1) if first else found
    return found[0] if is_one else found
