"""Hue, turned at random."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.colour import turned
from phasewise.layers.augmentation.changing_values import ChangingValues, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomHue(ChangingValues, RandomImageLayer):
    """In training, turns the hues of each image by an angle of its own. The identity in inference.

    The angle is f / 2 of the circle of colours in either direction, f drawn from `factor`: 1 turns each colour into its complement.
    Saturation and value (`kernels.images.colour.hsv_of`) stay.

    Args:
        factor: the f from which is drawn, in [0, 1]: a pair, or one number f for (0, f).
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        data_format: see `BaseImagePreprocessingLayer`.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.

    Input: images (batch, height, width, 3) of any real dtype, one image, or a dict. Output: the same shapes; images in the compute
    dtype.

    Raises:
        ValueError: images have no three channels.
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
        """By how much of the circle hues are turned: "factor" (batch,), from -1/2 to 1/2."""
        if not training:
            return None
        batch = (self.sizes(data)[0],)
        sign = jnp.where(self.draw_uniform(batch, seed=seed) < 0.5, -0.5, 0.5)
        return {"factor": sign * self.draw_uniform(batch, *self.factor, seed=seed)}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images with other hues."""
        return jnp.clip(turned(jnp.clip(images, 0, 1), per_image(transformation["factor"], 3)), 0, 1)

    def disturbance(self) -> str:
        """Turns hues."""
        return "turns hues"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
