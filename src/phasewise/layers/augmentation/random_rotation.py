"""Images turned at random."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Config, Nest
from phasewise.kernels.images.warping import about
from phasewise.layers.augmentation.ranges import check_factor
from phasewise.layers.augmentation.warping import WARPING_RULES, WarpingLayer, shown
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomRotation(WarpingLayer):
    """In training, turns each image about its middle by an angle drawn from a range. The identity in inference.

    Args:
        factor: the range, in whole turns: a pair (lowest, highest) within [-1, 1], or a number f for (-f, f). A positive angle turns
            counter-clockwise: 0.25 is a quarter turn to the left.
        fill_mode: how the image goes on beyond its ends: "reflect" (`d c b a | a b c d | d c b a`), "wrap" (`a b c d | a b c d | a b c
            d`), "nearest" (`a a a a | a b c d | d d d d`) or "constant", with `fill_value`.
        interpolation: "bilinear" or "nearest".
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        fill_value: number.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype. Boxes become the smallest upright ones around what they have become.

    Where we differ from Keras: boxes turn about the image's middle, half a pixel from where Keras turns them, may be written in any
    `bounding_box_format` (Keras takes all for "xyxy"), and the labels of those without area are -1.
    """

    rules: ClassVar = {**WARPING_RULES, "factor": check_factor(-1, 1)}

    def __init__(
        self,
        factor: float | Sequence[float],
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
        self.factor = factor

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """The "angle" of each image in degrees, (batch,), and its "transform"."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        angle = self.draw_uniform((batch,), *(360 * bound for bound in self.factor), seed=seed)
        cosine, sine = jnp.cos(angle * np.float32(np.pi / 180)), jnp.sin(angle * np.float32(np.pi / 180))
        transform = about((width - 1) / 2, (height - 1) / 2, jnp.stack([cosine, -sine, sine, cosine], -1))
        return {"angle": angle, "transform": transform, "height": height, "width": width}

    def disturbance(self) -> str:
        """Turns images."""
        return f"turns images by {shown([360 * bound for bound in self.factor])} degrees"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
