"""Values stretched over the whole range."""

from typing import Any, ClassVar

from phasewise.core.registry import register
from phasewise.core.types import Array
from phasewise.kernels.images.levels import stretched
from phasewise.layers.augmentation.changing_values import AlwaysChangingValues
from phasewise.layers.augmentation.ranges import check_value_range


@register("layer")
class AutoContrast(AlwaysChangingValues):
    """Stretches each channel of each image so that its values use the whole range, in training as in inference.

    low + (high - low) (x - min) / (max - min), with the channel's least and largest value. A channel of one value stays as it is.

    Args:
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        data_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: with "channels_first" it stretches channels all the same, where Keras takes its axes 1 and 2 for height
    and width.
    """

    working_range = (0, 255)
    rules: ClassVar = {"value_range": check_value_range}

    def __init__(self, value_range: tuple[float, float] = (0, 255), **kwargs: Any):
        super().__init__(**kwargs)
        self.value_range = value_range

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, stretched."""
        return stretched(images)
