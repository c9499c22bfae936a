"""Sums over neighbours: blurs, edges, likeness."""

import jax.numpy as jnp
import numpy as np

from phasewise.core.dtypes import floating
from phasewise.kernels.convolution import convolve_depthwise
from phasewise.ops.image.batches import on_batch
from phasewise.ops.op import arrays, op
from phasewise.ops.windows import arounds, is_first

_SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def blurred(images, kernel_size, sigma, padding="same"):
    """Each pixel the mean of its neighbours, weighed by exp(-d² / (2 sigma²)); zeros beyond the edges.

    Args:
        images: (batch, height, width, channels), floating.
        kernel_size, sigma: pairs, for the width and for the height.
        padding: "same", or "valid": only where all neighbours are there.
    """
    for axis, size, deviation in ((1, kernel_size[1], sigma[1]), (2, kernel_size[0], sigma[0])):
        distances = np.arange(size) - (size - 1) / 2
        weights = jnp.exp(-0.5 * (distances / jnp.asarray(deviation, jnp.float32)) ** 2)
        weights = (weights / weights.sum()).astype(images.dtype)
        kernel = weights.reshape((size, 1) if axis == 1 else (1, size))
        images = _filtered(images, kernel, padding)
    return images


def _filtered(images, kernel, padding="same"):
    """Each channel by itself under one kernel (height, width)."""
    channels = images.shape[-1]
    kernel = jnp.broadcast_to(kernel[..., None, None], (*kernel.shape, channels, 1)).astype(images.dtype)
    zeros = arounds(padding, images.shape[1:3], kernel.shape[:2], (1, 1), (1, 1))
    return convolve_depthwise(images, kernel, (1, 1), zeros, (1, 1))


@op
def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None):
    """Each pixel the mean of its neighbours, weighed by exp(-d² / (2 sigma²)); zeros beyond the edges, as in Keras.

    Args:
        images: one, or a batch, of a floating dtype.
        kernel_size, sigma: pairs, for the width and for the height, in pixels.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.
    """
    return on_batch("gaussian_blur", lambda batch: blurred(batch, kernel_size, sigma), images, data_format)


@op
def sobel_edges(images, data_format=None):
    """How steeply each channel rises downwards and to the right, by the Sobel operator; zeros beyond the edges.

    Args:
        images: (batch, height, width, channels), or channels first.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Returns:
        The shape of `images` and an axis of size 2: (downwards, to the right).
    """
    slopes = [
        on_batch("sobel_edges", lambda batch, kernel=kernel: _filtered(batch, jnp.asarray(kernel)), images, data_format)
        for kernel in (_SOBEL.T, _SOBEL)
    ]
    return jnp.stack(slopes, -1)


@op
def ssim(image1, image2, max_val=1.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, data_format=None):
    """The structural similarity of images: 1 for equal ones (Wang et al. 2004, equation 13), the mean over places and channels.

    Args:
        image1, image2: one of each, or batches, of one shape, at least `filter_size` high and wide.
        max_val: the range of values.
        filter_size, filter_sigma: of the Gaussian window.
        k1, k2: keep quotients finite.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Returns:
        (batch,), or a scalar for one image, of the dtype of `image1`.

    Raises:
        ValueError: the shapes differ.
    """
    image1, image2 = arrays(image1, image2)
    if image1.shape != image2.shape:
        raise ValueError(f"ssim takes images of one shape; got {image1.shape} and {image2.shape}.")
    values, channels = (floating(image1), floating(image2)), -3 if is_first("ssim", data_format) else -1
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2

    parts = jnp.concatenate([*values, values[0] ** 2, values[1] ** 2, values[0] * values[1]], channels)
    means = on_batch(
        "ssim", lambda batch: blurred(batch, (filter_size,) * 2, (filter_sigma,) * 2, "valid"), parts, data_format
    )
    mean1, mean2, square1, square2, product = jnp.split(means, 5, channels)
    variance1, variance2, covariance = square1 - mean1**2, square2 - mean2**2, product - mean1 * mean2
    likeness = (2 * mean1 * mean2 + c1) * (2 * covariance + c2)
    likeness = likeness / ((mean1**2 + mean2**2 + c1) * (variance1 + variance2 + c2))
    return likeness.mean((-1, -2, -3)).astype(image1.dtype)
