"""Histogram equalization."""

import numbers
from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config
from phasewise.kernels.images.histograms import equalized
from phasewise.layers.augmentation.changing_values import AlwaysChangingValues
from phasewise.layers.augmentation.ranges import check_value_range


def _check_bins(layer, name, value):
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 2:
        raise ValueError(f"{type(layer).__name__}'s {name} must be an integer of at least 2; got {value!r}.")
    return int(value)


@register("layer")
class Equalization(AlwaysChangingValues):
    """Spreads the values of each channel of each image as evenly over the range as its levels allow, in training as in inference.

    A value becomes the share of the channel's values that lie at its level or below, rounded to one of 256 levels; see
    `kernels.images.histograms.equalized`. A channel of one level stays as it is.

    Args:
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        bins: the number of levels that the range is cut into, at least 2.
        data_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: each image has its own histogram, where its code takes one of the whole batch; it acts in inference
    too, as its documentation has it; and level k of images in (0, 1) is k, where rounding there can make k - 1 of it.
    """

    working_range = (0, 255)
    rules: ClassVar = {"value_range": check_value_range, "bins": _check_bins}

    def __init__(
        self,
        value_range: tuple[float, float] = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range, self.bins = value_range, bins

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, equalized."""
        return equalized(images, self.bins).astype(jnp.result_type(images))

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "bins": self.bins}
