"""How an op takes one image or many, with the channels at either end."""

import jax.numpy as jnp

from phasewise.ops.windows import is_first


def on_batch(owner, function, images, data_format):
    """`function` of images (batch, height, width, channels), its result in the layout and number of `images`.

    Raises:
        ValueError: the images have neither three axes nor four.
    """
    images = jnp.asarray(images)
    if images.ndim not in (3, 4):
        raise ValueError(f"{owner} takes an image of three axes, or a batch of four; got shape {images.shape}.")
    first, is_one = is_first(owner, data_format), images.ndim == 3
    batch = images[None] if is_one else images
    batch = jnp.moveaxis(batch, 1, -1) if first else batch
    found = function(batch)
    found = jnp.moveaxis(found, 3, 1) if first else found
    return found[0] if is_one else found
