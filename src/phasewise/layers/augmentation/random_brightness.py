"""Brightness, changed at random."""

from typing import Any, ClassVar

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.layers.augmentation.changing_values import ChangingValues, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomBrightness(ChangingValues, RandomImageLayer):
    """In training, adds to each image a number of its own: a share of the range of values. The identity in inference.

    x + share * (high - low), kept in [low, high].

    Args:
        factor: the shares from which is drawn, in [-1, 1]: a pair, or one number f for (-f, f). -1 makes black, 1 white.
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: images of whole numbers are computed as floats; there the share wraps around in uint8.
    """

    rules: ClassVar = {"factor": check_factor(-1, 1), "value_range": check_value_range}

    def __init__(
        self,
        factor: float | tuple[float, float],
        value_range: tuple[float, float] = (0, 255),
        seed: Seed = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, **kwargs)
        self.factor, self.value_range = factor, value_range

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Array] | None:
        """What is added: "rgb_delta" (batch, 1, 1, 1)."""
        if not training:
            return None
        low, high = self.value_range
        return {"rgb_delta": self.draw_uniform((self.sizes(data)[0], 1, 1, 1), *self.factor, seed=seed) * (high - low)}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, brighter or darker."""
        return self.clipped(images + per_image(transformation["rgb_delta"]))

    def disturbance(self) -> str:
        """Changes brightness."""
        return "changes brightness"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
