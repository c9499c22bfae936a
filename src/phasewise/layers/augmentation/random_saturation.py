"""Saturation, changed at random."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.colour import saturated
from phasewise.layers.augmentation.changing_values import ChangingValues, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomSaturation(ChangingValues, RandomImageLayer):
    """In training, multiplies the saturation of each image by a number of its own. The identity in inference.

    The number is f / (1 - f), f drawn from `factor`: 0 makes gray, 1/2 changes nothing, 1 saturates fully. Saturation is at most 1;
    hue and value (`kernels.images.colour.hsv_of`) stay.

    Args:
        factor: the f from which is drawn, in [0, 1]: a pair, or one number f for (0, f).
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        data_format: see `BaseImagePreprocessingLayer`.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.

    Input: images (batch, height, width, 3) of any real dtype, one image, or a dict. Output: the same shapes; images in the compute
    dtype.

    Raises:
        ValueError: images have no three channels.

    Where we differ from Keras: a saturation is kept in [0, 1], where Keras keeps it in `value_range` and so makes values below it with
    (0, 255); black is the lower end of `value_range`, where Keras takes 0; and images of whole numbers are taken.
    """

    working_range = (0, 1)
    channel_counts = (3,)
    rules: ClassVar = {"factor": check_factor(0, 1), "value_range": check_value_range}

    def __init__(
        self,
        factor: float | tuple[float, float],
        value_range: tuple[float, float] = (0, 255),
        data_format: str | None = None,
        seed: Seed = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = factor, value_range

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Array] | None:
        """What saturations are multiplied by: "factor" (batch,)."""
        if not training:
            return None
        factor = self.draw_uniform((self.sizes(data)[0],), *self.factor, seed=seed)
        return {"factor": factor / (1 - factor + 1e-7)}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images with other saturations."""
        return jnp.clip(saturated(jnp.clip(images, 0, 1), per_image(transformation["factor"], 3)), 0, 1)

    def disturbance(self) -> str:
        """Changes saturation."""
        return "changes saturation"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
