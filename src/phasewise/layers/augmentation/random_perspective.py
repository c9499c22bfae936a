"""Images seen from a place chosen at random."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.warping import from_rectangle
from phasewise.layers.augmentation.ranges import check_factor, check_fraction
from phasewise.layers.augmentation.warping import WARPING_RULES, WarpingLayer, shown
from phasewise.layers.regularization.random_layer import Seed

_WHERE_IT_IS = np.float32([1, 0, 0, 0, 1, 0, 0, 0, 1])


@register("layer")
class RandomPerspective(WarpingLayer):
    """In training, moves the four corners of each image, each by a distance drawn for it, and draws the image into the quadrilateral
    that they make, as if it were seen from elsewhere. The identity in inference.

    Args:
        factor: the probability that an image is changed: a number p for one that is drawn from [0, p] for each image, or a pair of
            bounds within [0, 1].
        scale: in [0, 1]. A corner moves by up to `scale` / 2 of the width and of the height, in or out.
        interpolation: "bilinear" or "nearest".
        fill_value: number, where the image is not.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype. Boxes become the smallest upright ones around what they have become.

    Where we differ from Keras: all four corners move in both directions. In Keras a corner moves by a fraction of its own coordinates, so
    that the first stays and its neighbours move along an edge only. Four corners that fold the image over, or nearly so, as a `scale`
    above 1/2 allows, move two fifths as far. Boxes may be written in any `bounding_box_format`; Keras returns all as "xyxy".
    """

    rules: ClassVar = {**WARPING_RULES, "factor": check_factor(0, 1), "scale": check_fraction}

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            fill_mode="constant",
            interpolation=interpolation,
            seed=seed,
            fill_value=fill_value,
            data_format=data_format,
            **kwargs,
        )
        self.factor, self.scale = factor, scale

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """ "apply_perspective", boolean (batch,); the corners' "start_points" and "end_points", (batch, 4, 2), x before y, of the upper
        left, upper right, lower left and lower right; and the "transform"."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        applied = self.draw_chosen(batch, self.factor, seed)
        size = np.float32([max(width - 1, 1), max(height - 1, 1)])
        start = jnp.broadcast_to(np.float32([[0, 0], [1, 0], [0, 1], [1, 1]]), (batch, 4, 2))
        moves = self.draw_uniform((batch, 4, 2), -self.scale / 2, self.scale / 2, seed=seed)
        end = start + moves * jnp.where(_is_convex(start + moves), 1, np.float32(0.4))[:, None, None]
        start, end = start * size, end * size
        transform = jnp.where(applied[:, None], from_rectangle(*size, end), _WHERE_IT_IS)
        points = {"start_points": start, "end_points": end}
        return {"apply_perspective": applied, **points, "transform": transform, "height": height, "width": width}

    def disturbance(self) -> str:
        """Changes the perspective."""
        return f"changes the perspective with probability {shown(self.factor)}, scale {self.scale:g}"

    def get_config(self) -> Config:
        """Every argument."""
        config = {**super().get_config(), "factor": self.factor, "scale": self.scale}
        del config["fill_mode"]
        return config


def _is_convex(corners: Array) -> Array:
    """Which quadrilaterals, in units of the image's size, have four corners that turn the same way, none of them nearly flat."""
    around = corners[:, jnp.asarray([0, 1, 3, 2])]
    edges = jnp.roll(around, -1, 1) - around
    following = jnp.roll(edges, -1, 1)
    turns = edges[..., 0] * following[..., 1] - edges[..., 1] * following[..., 0]
    return (turns > 0.1).all(1)
