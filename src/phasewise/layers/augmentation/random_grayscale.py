"""Images turned gray at random."""

import numbers
from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.colour import grayscale
from phasewise.layers.augmentation.changing_values import ChangingValues, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.regularization.random_layer import Seed


def _check_probability(layer, name, value):
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(
            f"{type(layer).__name__}'s {name} is the probability that an image turns gray, in [0, 1]; got {value!r}."
        )
    return value


@register("layer")
class RandomGrayscale(ChangingValues, RandomImageLayer):
    """In training, turns each image gray with probability `factor`: all channels get its luma. The identity in inference.

    The luma is 0.2989 R + 0.5870 G + 0.1140 B (ITU-R BT.601).

    Args:
        factor: the probability, in [0, 1].
        data_format: see `BaseImagePreprocessingLayer`.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.

    Input: images (batch, height, width, 3) of any real dtype, one image, or a dict; of one channel they are gray already. Output: the
    same shapes; images in the compute dtype.

    Raises:
        ValueError: images have neither three channels nor one.

    Where we differ from Keras: a dict is taken, and the config holds the seed.
    """

    channel_counts = (1, 3)
    rules: ClassVar = {"factor": _check_probability}

    def __init__(self, factor: float = 0.5, data_format: str | None = None, seed: Seed = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = factor

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> Array | None:
        """Which images turn gray: boolean (batch, 1, 1, 1)."""
        if not training:
            return None
        return self.draw_uniform((self.sizes(data)[0], 1, 1, 1), seed=seed) < self.factor

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, gray where that was drawn."""
        return jnp.where(per_image(transformation), grayscale(images), images)

    def disturbance(self) -> str:
        """Turns images gray."""
        return f"turns {self.factor:.0%} of the images gray"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
