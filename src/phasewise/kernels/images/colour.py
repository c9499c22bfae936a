"""Colours: luma, the HSV cone, and what turns the one or the other."""

import jax
import jax.numpy as jnp
import numpy as np

LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)  # of ITU-R BT.601, to the digits that Keras and TensorFlow write


def grayscale(images):
    """The luma 0.2989 R + 0.5870 G + 0.1140 B of each pixel (ITU-R BT.601).

    Args:
        images: (..., 3) in red, green, blue; or (..., 1), which is luma already.

    Returns:
        (..., 1). The weights add up to 0.9999, as in Keras, so that white loses a ten-thousandth.
    """
    if images.shape[-1] == 1:
        return images
    red, green, blue = (images[..., k : k + 1] for k in range(3))
    return red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]


def hsv_of(images):
    """Hue, saturation and value (Smith 1978, "Color Gamut Transform Pairs").

    With M the largest and m the smallest of red, green and blue: V = M, S = (M - m) / M, and H the place on the circle of colours, in
    turns: 0 is red, 1/3 green, 2/3 blue. Gray has H = 0, black also S = 0.

    Args:
        images: (..., 3), at least 0; S depends on ratios alone.

    Returns:
        (hue, saturation, value), each of the shape (...,); hue in [0, 1), saturation in [0, 1].
    """
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    value = jnp.maximum(jnp.maximum(red, green), blue)
    spread = value - jnp.minimum(jnp.minimum(red, green), blue)
    sixth = 1 / (6 * jnp.where(spread > 0, spread, 1))
    hue = jnp.where(value == green, (blue - red) * sixth + 1 / 3, (red - green) * sixth + 2 / 3)
    hue = jnp.where(value == red, (green - blue) * sixth, hue)
    hue = jnp.where(spread > 0, hue + (hue < 0), 0)
    saturation = jnp.where(value > 0, spread / jnp.where(value > 0, value, 1), 0)
    return hue, saturation, value


def rgb_of(hue, saturation, value):
    """The colours that have this hue (in turns, of any size), saturation and value: the inverse of `hsv_of`.

    Returns:
        (..., 3).
    """
    sextant = jnp.mod(hue, 1) * 6
    full = (
        jnp.clip(jnp.abs(sextant - 3) - 1, 0, 1),
        jnp.clip(2 - jnp.abs(sextant - 2), 0, 1),
        jnp.clip(2 - jnp.abs(sextant - 4), 0, 1),
    )
    return jnp.stack([value * (1 - saturation + saturation * part) for part in full], axis=-1)


@jax.jit
def turned(images, turns):
    """Every hue turned by `turns` of the circle of colours, with saturation and value as they were.

    Args:
        images: (rows, height, width, 3), at least 0.
        turns: (rows, 1, 1).
    """
    hue, saturation, value = hsv_of(images)
    return rgb_of(hue + turns, saturation, value)


@jax.jit
def saturated(images, factor):
    """Every saturation times `factor`, at most 1, with hue and value as they were.

    Args:
        images: (rows, height, width, 3), at least 0.
        factor: (rows, 1, 1); 0 makes gray, and so does what is below.
    """
    hue, saturation, value = hsv_of(images)
    return rgb_of(hue, jnp.clip(saturation * factor, 0, 1), value)


@jax.jit
def contrasted(images, factor):
    """Distances from the mean times `factor`: mean + (x - mean) * factor, with a mean for each channel of each image.

    Args:
        images: (rows, height, width, channels).
        factor: (rows, 1, 1, 1).
    """
    mean = images.mean((1, 2), keepdims=True)
    return mean + (images - mean) * factor
