"""The middle of images."""

from typing import Any, ClassVar

from phasewise.core.registry import register
from phasewise.core.types import Config, Nest
from phasewise.layers.augmentation.image_preprocessing import BaseImagePreprocessingLayer
from phasewise.layers.augmentation.windows import Window, WindowLayer, check_size, largest_window


@register("layer")
class CenterCrop(WindowLayer, BaseImagePreprocessingLayer):
    """The middle of each image, of one size, in training as in inference.

    From an image that is smaller than that in some direction, the largest window in the middle that has the proportions of the result
    is brought to its size, by bilinear interpolation.

    Args:
        height, width: positive int, the sizes of what comes out. Where they leave an odd number of pixels over, the larger half is
            cut off below and at the right.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: (batch, `height`, `width`,
    channels), images in the compute dtype.

    Where we differ from Keras: masks of an image that is too small are resized by "nearest", so that no class appears that was not
    there.
    """

    acts_by_phase = False
    rules: ClassVar = {"height": check_size, "width": check_size}

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = height, width

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any]:
        """The "window" in the middle; nothing is drawn."""
        _, height, width = self.sizes(data)
        if height >= self.height and width >= self.width:
            window = Window((height - self.height) // 2, (width - self.width) // 2, self.height, self.width)
        else:
            window = largest_window(height, width, self.height, self.width)
        return {"window": window, "height": height, "width": width}

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "height": self.height, "width": self.width}
