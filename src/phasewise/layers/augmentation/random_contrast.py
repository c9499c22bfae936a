"""Contrast, changed at random."""

from typing import Any, ClassVar, Self

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.colour import contrasted
from phasewise.layers.augmentation.changing_values import ChangingValues, check_pair, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_value_range
from phasewise.layers.augmentation.written_ranges import by_name, read_by_name
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomContrast(ChangingValues, RandomImageLayer):
    """In training, multiplies the distances from the mean of each channel by a number drawn for each image. The identity in inference.

    mean + (x - mean) * c, kept in the range of values; c is drawn from [1 - lower, 1 + upper]. Up to what is cut off at the ends of
    the range, the mean of each channel stays.

    Args:
        factor: (lower, upper), each in [0, 1], or one number for both.
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: one number stands for both bounds, as its documentation has it, where its code takes 0 for the lower
    one, so that contrast can only grow; a pair keeps its order, where its code sorts it, so that Keras
    refuses the config of one that falls. The mean is taken in float32 at least.
    """

    rules: ClassVar = {"factor": check_pair(0, 1), "value_range": check_value_range}

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
        """What distances are multiplied by: "contrast_factor" (batch, 1, 1, 1)."""
        if not training:
            return None
        lower, upper = self.factor
        return {"contrast_factor": self.draw_uniform((self.sizes(data)[0], 1, 1, 1), 1 - lower, 1 + upper, seed=seed)}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images with more or less contrast."""
        return self.clipped(contrasted(images, per_image(transformation["contrast_factor"])))

    def disturbance(self) -> str:
        """Changes contrast."""
        return "changes contrast"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": written(self.factor)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer, from a config of ours or of Keras's."""
        return super().from_config({**config, "factor": read_by_name(config.get("factor"))})


def written(factor: tuple[float, float]) -> tuple[float, float] | dict[str, float]:
    """The factor as a config holds it: Keras sorts a pair, and so would draw from another range where it falls."""
    return factor if factor[0] <= factor[1] else by_name(factor)
