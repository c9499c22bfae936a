"""Colours taken back at random."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.colour import grayscale
from phasewise.layers.augmentation.changing_values import ChangingValues, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.regularization.random_layer import Seed


def _check(layer, name, value):
    is_pair = hasattr(value, "__len__") and not isinstance(value, str)
    return (check_factor(-1, 1) if is_pair else check_factor(0, 1))(layer, name, value)


@register("layer")
class RandomColorDegeneration(ChangingValues, RandomImageLayer):
    """In training, blends each image with its luma, by a share of its own. The identity in inference.

    x + share * (gray - x), kept in the range of values.

    Args:
        factor: the shares from which is drawn: one number f in [0, 1] for (0, f), or a pair in [-1, 1]. 0 changes nothing, 1 makes
            gray, and what is below 0 strengthens the colours.
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        data_format: see `BaseImagePreprocessingLayer`.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.

    Input: images (batch, height, width, 3) of any real dtype, one image, or a dict. Output: the same shapes; images in the compute
    dtype.

    Raises:
        ValueError: images have neither three channels nor one.

    Where we differ from Keras: one number f stands for (0, f), as its documentation has it, where its code takes (-f, f).
    """

    working_range = (0, 1)
    channel_counts = (1, 3)
    rules: ClassVar = {"factor": _check, "value_range": check_value_range}

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
        """The shares: "factor" (batch, 1, 1, 1)."""
        if not training:
            return None
        return {"factor": self.draw_uniform((self.sizes(data)[0], 1, 1, 1), *self.factor, seed=seed)}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images with less colour."""
        return jnp.clip(images + per_image(transformation["factor"]) * (grayscale(images) - images), 0, 1)

    def disturbance(self) -> str:
        """Takes colour back."""
        return "takes colour back"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
