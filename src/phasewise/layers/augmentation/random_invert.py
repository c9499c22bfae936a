"""Images inverted at random."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.layers.augmentation.changing_values import ChangingValues, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomInvert(ChangingValues, RandomImageLayer):
    """In training, turns images into their negatives at random: low + high - x. The identity in inference.

    Args:
        factor: each image is inverted with a probability that is itself drawn from this range in [0, 1]: a pair, or one number f
            for (0, f). For every image, (1, 1).
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: its negative is high - x, which leaves a range that does not begin at 0.
    """

    rules: ClassVar = {"factor": check_factor(0, 1), "value_range": check_value_range}

    def __init__(
        self,
        factor: float | tuple[float, float] = 1.0,
        value_range: tuple[float, float] = (0, 255),
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = factor, value_range

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Array] | None:
        """Which images are inverted: "apply_inversion", boolean (batch,)."""
        if not training:
            return None
        return {"apply_inversion": self.draw_chosen(self.sizes(data)[0], self.factor, seed=seed)}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, or their negatives."""
        low, high = self.value_range
        return jnp.where(per_image(transformation["apply_inversion"]), low + high - images, images)

    def disturbance(self) -> str:
        """Inverts."""
        return "inverts images"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
