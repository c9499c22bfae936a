"""Contrast-limited adaptive histogram equalization."""

import numbers
from typing import Any, ClassVar

import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, Config
from phasewise.kernels.images.histograms import adaptively_equalized
from phasewise.layers.augmentation.changing_values import AlwaysChangingValues, check_pair
from phasewise.layers.augmentation.ranges import check_value_range


def _check_limit(layer, name, value):
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not np.isfinite(value):
        raise ValueError(f"{type(layer).__name__}'s {name} must be a finite number, 0 for no limit; got {value!r}.")
    return value


@register("layer")
class ContrastLimitedAdaptiveHistogramEqualization(AlwaysChangingValues):
    """Equalizes each channel of each image by the histograms of tiles of it, in training as in inference (Zuiderveld 1994).

    Bars of a tile's histogram that are higher than `clip_limit` times their mean height are cut, so that noise in plain regions is not
    blown up, and between tiles their results are blended bilinearly; see `kernels.images.histograms.adaptively_equalized`.

    Args:
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        clip_limit: how high a bar may be, as a multiple of the mean; 0 or less for no limit.
        tile_grid_size: (tiles below each other, tiles beside each other), or one number for both.
        data_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: images of whole numbers come out in the compute dtype, as those of every other layer do, where Keras cuts
    off their fractions; and level k of images in (0, 1) is k, where rounding there can make k - 1 of it. Memory grows with the number
    of tiles, and not with pixels times 256.
    """

    working_range = (0, 255)
    rules: ClassVar = {
        "value_range": check_value_range,
        "clip_limit": _check_limit,
        "tile_grid_size": check_pair(1, 4096, whole=True),
    }

    def __init__(
        self,
        value_range: tuple[float, float] = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: tuple[int, int] = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range, self.clip_limit, self.tile_grid_size = value_range, clip_limit, tile_grid_size

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, equalized."""
        return adaptively_equalized(images, self.clip_limit, self.tile_grid_size).astype(images.dtype)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "clip_limit": self.clip_limit, "tile_grid_size": self.tile_grid_size}
