"""Images enlarged or made smaller at random."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Config, Nest
from phasewise.kernels.images.warping import about
from phasewise.layers.augmentation.ranges import check_factor
from phasewise.layers.augmentation.warping import WARPING_RULES, WarpingLayer, shown
from phasewise.layers.regularization.random_layer import Seed

_check_zoom = check_factor(-1, 1, above=True)


@register("layer")
class RandomZoom(WarpingLayer):
    """In training, zooms each image about its middle by a factor drawn from a range. The identity in inference.

    Args:
        height_factor: the range, a pair (lowest, highest) within (-1, 1], or a number f for (-f, f). With a draw of f the result
            shows 1 + f times the height of the image: positive zooms out, negative zooms in.
        width_factor: the same for the width; None takes what was drawn for the height, so that shapes keep their proportions.
        fill_mode, interpolation, seed, fill_value: see `RandomRotation`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: boxes are zoomed about the image's middle, as its pixels are; Keras's are half a pixel beside that.
    """

    rules: ClassVar = {
        **WARPING_RULES,
        "height_factor": _check_zoom,
        "width_factor": lambda layer, name, value: None if value is None else _check_zoom(layer, name, value),
    }

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float] | None = None,
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
        """ "height_zoom" and "width_zoom" of each image, (batch, 1), how many times its size the result shows, and its "transform"."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        down = across = 1 + self.draw_uniform((batch,), *self.height_factor, seed=seed)
        if self.width_factor is not None:
            across = 1 + self.draw_uniform((batch,), *self.width_factor, seed=seed)
        zero = jnp.zeros(batch)
        transform = about((width - 1) / 2, (height - 1) / 2, jnp.stack([across, zero, zero, down], -1))
        zooms = {"height_zoom": down[:, None], "width_zoom": across[:, None]}
        return {**zooms, "transform": transform, "height": height, "width": width}

    def disturbance(self) -> str:
        """Zooms images."""
        across = "" if self.width_factor is None else f", {shown(self.width_factor)} across"
        return f"zooms images by {shown(self.height_factor)}{across}"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}
