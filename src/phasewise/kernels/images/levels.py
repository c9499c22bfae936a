"""Images as 256 levels: fewer bits, inverted above a threshold, stretched over the whole range."""

import jax
import jax.numpy as jnp
import numpy as np

TOP = 255


def levels_of(images, top=TOP):
    """The level, 0 to `top`, that each value in [0, top] has reached.

    A value that rounding has left just below a level has reached it: 192 / 255 as float32, times 255, is level 192, not 191.

    Returns:
        An int32 array.
    """
    return jnp.clip(jnp.floor(images + np.float32(2**-13)), 0, top).astype(jnp.int32)


@jax.jit
def posterized(images, bits):
    """Levels with all bits but the uppermost `bits` set to 0.

    Args:
        images: (rows, height, width, channels) in [0, 255].
        bits: (rows, 1, 1, 1) of integers, 1 to 8.

    Returns:
        A float32 array in [0, 255].
    """
    dropped = 8 - bits.astype(jnp.int32)
    return ((levels_of(images) >> dropped) << dropped).astype(jnp.float32)


@jax.jit
def solarized(images, additions, thresholds):
    """x + addition, kept in [0, 255], and 255 minus that where it is not below the threshold.

    Args:
        images: (rows, height, width, channels) in [0, 255].
        additions, thresholds: (rows, 1, 1, 1), in the same units.
    """
    raised = jnp.clip(images + additions, 0, TOP)
    return jnp.where(raised < thresholds, raised, TOP - raised)


@jax.jit
def stretched(images):
    """Each channel of each image stretched so that its values go from 0 to 255; a channel of one value stays as it is.

    Args:
        images: (rows, height, width, channels) in [0, 255], floating.
    """
    low, high = images.min((1, 2), keepdims=True), images.max((1, 2), keepdims=True)
    spread = high - low
    scale = TOP / jnp.where(spread > 0, spread, 1)
    return jnp.where(spread > 0, jnp.clip((images - low) * scale, 0, TOP), images)
