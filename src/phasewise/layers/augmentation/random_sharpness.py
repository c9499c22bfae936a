"""Sharpness, changed at random."""

from typing import Any, ClassVar

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.blurring import smoothed
from phasewise.layers.augmentation.changing_values import ChangingValues, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomSharpness(ChangingValues, RandomImageLayer):
    """In training, blurs or sharpens each image by an amount of its own. The identity in inference.

    x + (1 - 2 f) * (smooth - x), kept in the range of values, with f drawn from `factor` and the image smoothed by
    [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13: 0 is that smooth image, 1/2 changes nothing, 1 sharpens.

    Args:
        factor: the f from which is drawn, in [0, 1]: a pair, or one number f for (0, f).
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        data_format: see `BaseImagePreprocessingLayer`.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: pixels at the edge stay as they are, as in Pillow, whose operation this is; Keras smooths them with
    zeros beyond the edge, which makes a dark frame.
    """

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
        """What is drawn: "factor" (batch,)."""
        if not training:
            return None
        return {"factor": self.draw_uniform((self.sizes(data)[0],), *self.factor, seed=seed)}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, blurred or sharpened."""
        share = 1 - 2 * per_image(transformation["factor"])
        return self.clipped(images + share * (smoothed(images) - images))

    def disturbance(self) -> str:
        """Blurs or sharpens."""
        return "blurs or sharpens images"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
