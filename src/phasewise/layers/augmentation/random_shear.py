"""Images sheared at random."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Config, Nest
from phasewise.layers.augmentation.ranges import check_factor
from phasewise.layers.augmentation.warping import WARPING_RULES, WarpingLayer, shown
from phasewise.layers.regularization.random_layer import Seed

_check_amount = check_factor(0, 1)


def _check_shear(layer, name, value):
    is_mirrored = (
        isinstance(value, list | tuple) and len(value) == 2 and value[0] == -value[1]
    )  # as Keras's config has it
    return _check_amount(layer, name, max(value) if is_mirrored else value)


@register("layer")
class RandomShear(WarpingLayer):
    """In training, shears each image by amounts drawn from a range, each to either side. The identity in inference.

    The result at (x, y) is what is at (x + s y, y + t x) from the first pixel, which stays where it is.

    Args:
        x_factor: the range of |s|: a pair (lowest, highest) within [0, 1], or a number f for (0, f). 0.3 moves the last row of a
            square image by up to 30 % of its width.
        y_factor: the range of |t|.
        interpolation, fill_mode, fill_value, seed: see `RandomRotation`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype. Boxes become the smallest upright ones around what they have become.

    Where we differ from Keras: the signs of s and t are drawn each by itself (Keras: one for both). Boxes go where their pixels go;
    Keras moves them by fractions of other sizes. A config of Keras's, in which a number f has become (-f, f), is taken.
    """

    rules: ClassVar = {**WARPING_RULES, "x_factor": _check_shear, "y_factor": _check_shear}

    def __init__(
        self,
        x_factor: float | Sequence[float] = 0.0,
        y_factor: float | Sequence[float] = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: Seed = None,
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
        self.x_factor, self.y_factor = x_factor, y_factor

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """The "shear_factor" (s, t) of each image, (batch, 2), and its "transform"."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        amounts = (self.draw_uniform((batch,), *factor, seed=seed) for factor in (self.x_factor, self.y_factor))
        across, down = (jnp.where(self.draw_uniform((batch,), seed=seed) < 0.5, -a, a) for a in amounts)
        one, zero = jnp.ones(batch), jnp.zeros(batch)
        transform = jnp.stack([one, across, zero, down, one, zero], -1)
        shear_factor = jnp.stack([across, down], -1)
        return {"shear_factor": shear_factor, "transform": transform, "height": height, "width": width}

    def disturbance(self) -> str:
        """Shears images."""
        return f"shears images, x by {shown(self.x_factor)}, y by {shown(self.y_factor)}"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}
