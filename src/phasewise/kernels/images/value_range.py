"""The range of an image's values: from 0 to 255, from 0 to 1."""

import jax.numpy as jnp

from phasewise.kernels.moments import wide


def to_value_range(images, source, target):
    """Images whose values lie in `source`, a pair (low, high), as images whose values lie in `target`; in float32 or wider."""
    (low, high), (new_low, new_high) = source, target
    images = wide(jnp.asarray(images))
    if (low, high) == (new_low, new_high):
        return images
    return (images - low) * ((new_high - new_low) / (high - low)) + new_low
