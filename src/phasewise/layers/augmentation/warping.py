"""What layers share that look at images through a map of the plane, drawn for each image."""

from collections.abc import Sequence
from typing import Any

from phasewise.core.arguments import check_number
from phasewise.core.types import Array, Config
from phasewise.kernels.images.warping import FILL_MODES, INTERPOLATIONS, between_edges, inverted, projected, transformed
from phasewise.layers.augmentation.bounding_boxes import around
from phasewise.layers.augmentation.moving_pixels import MovingPixels
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.spatial import check_word


def _check_fill_value(layer, name, value):
    return check_number(type(layer).__name__, name, value)


WARPING_RULES = {
    "fill_mode": check_word(*FILL_MODES[:4]),
    "interpolation": check_word(*INTERPOLATIONS),
    "fill_value": _check_fill_value,
}


class WarpingLayer(MovingPixels, RandomImageLayer):
    """Subclass it with `get_random_transformation`, whose dict holds "transform": maps as `phasewise.kernels.images.warping.projected`
    takes them, (batch, 6) or (batch, 9), from the places of the result to those of the image that came.

    Args:
        fill_mode, interpolation, fill_value: see `phasewise.kernels.images.warping.sampled`.
        kwargs: as of `RandomImageLayer`.
    """

    rules = WARPING_RULES

    def __init__(self, *, fill_mode: str, interpolation: str, fill_value: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def move(self, images: Array, transformation: Any, training: bool, interpolation: str) -> Array:
        """The images, seen through their maps."""
        return projected(images, transformation["transform"], interpolation, self.fill_mode, self.fill_value)

    def move_boxes(self, corners: Array, transformation: Any, training: bool) -> Array:
        """The smallest upright boxes around what the boxes have become."""
        to_result = inverted(between_edges(transformation["transform"]))
        return around(corners, lambda x, y: transformed(to_result, x, y))

    def get_config(self) -> Config:
        """Every argument."""
        names = ("fill_mode", "interpolation", "fill_value")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def shown(factor: Sequence[float]) -> str:
    """A range in a few characters."""
    lower, upper = factor
    return f"±{upper:g}" if lower == -upper else f"{lower:g} to {upper:g}"
