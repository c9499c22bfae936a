"""Images shifted at random."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Config, Nest
from phasewise.layers.augmentation.ranges import check_factor
from phasewise.layers.augmentation.warping import WARPING_RULES, WarpingLayer, shown
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomTranslation(WarpingLayer):
    """In training, shifts each image by a distance drawn from a range. The identity in inference.

    Args:
        height_factor: the range of the shift downwards, as a fraction of the height: a pair (lowest, highest) within [-1, 1], or a
            number f for (-f, f).
        width_factor: the same to the right, as a fraction of the width.
        fill_mode, interpolation, seed, fill_value: see `RandomRotation`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.
    """

    rules: ClassVar = {**WARPING_RULES, "height_factor": check_factor(-1, 1), "width_factor": check_factor(-1, 1)}

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Seed = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            fill_mode=fill_mode,
            interpolation=interpolation,
            seed=seed,
            fill_value=fill_value,
            data_format=data_format,
            **kwargs,
        )
        self.height_factor, self.width_factor = height_factor, width_factor

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """The "translations" of each image in pixels, (batch, 2), to the right and down, and its "transform"."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        down = height * self.draw_uniform((batch,), *self.height_factor, seed=seed)
        right = width * self.draw_uniform((batch,), *self.width_factor, seed=seed)
        one, zero = jnp.ones(batch), jnp.zeros(batch)
        transform = jnp.stack([one, zero, -right, zero, one, -down], -1)
        translations = jnp.stack([right, down], -1)
        return {"translations": translations, "transform": transform, "height": height, "width": width}

    def disturbance(self) -> str:
        """Shifts images."""
        return f"shifts images by {shown(self.height_factor)} of the height, {shown(self.width_factor)} of the width"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}
