"""Images in other colour spaces."""

import jax.numpy as jnp

from phasewise.core.dtypes import floating
from phasewise.kernels.images import colour
from phasewise.ops.image.batches import on_batch
from phasewise.ops.op import op


@op
def rgb_to_grayscale(images, data_format=None):
    """The luma 0.2989 R + 0.5870 G + 0.1140 B of each pixel.

    Args:
        images: one, or a batch, of three channels, or of one, which is luma already; any real dtype, which stays.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Raises:
        ValueError: there are other numbers of axes or channels.
    """

    def gray(batch):
        if batch.shape[-1] not in (1, 3):
            raise ValueError(f"rgb_to_grayscale takes three channels, or one; got images of shape {jnp.shape(images)}.")
        return colour.grayscale(floating(batch)).astype(batch.dtype) if batch.shape[-1] == 3 else batch

    return on_batch("rgb_to_grayscale", gray, images, data_format)


@op
def rgb_to_hsv(images, data_format=None):
    """Red, green and blue in [0, 1] as hue (in turns), saturation and value.

    Raises:
        ValueError: the images are not of a floating dtype, or have not three channels.
    """
    return on_batch(
        "rgb_to_hsv", lambda batch: jnp.stack(colour.hsv_of(_three("rgb_to_hsv", batch)), -1), images, data_format
    )


@op
def hsv_to_rgb(images, data_format=None):
    """Hue (in turns), saturation and value as red, green and blue: the inverse of `rgb_to_hsv`.

    Raises:
        ValueError: the images are not of a floating dtype, or have not three channels.
    """

    def rgb(batch):
        return colour.rgb_of(*(_three("hsv_to_rgb", batch)[..., i] for i in range(3)))

    return on_batch("hsv_to_rgb", rgb, images, data_format)


def _three(name, batch):
    if not jnp.issubdtype(batch.dtype, jnp.floating) or batch.shape[-1] != 3:
        raise ValueError(
            f"{name} takes three channels of a floating dtype; got {batch.dtype} and {batch.shape[-1]} channels."
        )
    return batch
