"""One number of bounding boxes for every image."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.arguments import check_count, check_number
from phasewise.core.registry import register
from phasewise.core.types import Array, Config
from phasewise.layers.augmentation.image_preprocessing import BaseImagePreprocessingLayer


@register("layer")
class MaxNumBoundingBoxes(BaseImagePreprocessingLayer):
    """Cuts the boxes of each image to a number, or fills them up to it, in training as in inference.

    Args:
        max_number: positive int. Of more boxes the first so many are kept.
        fill_value: int, each number of a box that is added, and its label.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: a dict with "images" and "bounding_boxes", or any that an image layer takes. Output: the same, with boxes (batch,
    `max_number`, 4) and labels (batch, `max_number`), images of floats in the compute dtype; the rest as it was.

    Where we differ from Keras: `fill_value` is a part of the config, so that a layer that is loaded fills up as before.
    """

    acts_by_phase = False
    rules: ClassVar = {
        "max_number": lambda layer, name, value: check_count("MaxNumBoundingBoxes", name, value),
        "fill_value": lambda layer, name, value: int(check_number("MaxNumBoundingBoxes", name, value)),
    }

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.max_number, self.fill_value = max_number, fill_value

    def transform_images(self, images: Array, transformation: Any = None, training: bool = True) -> Array:
        """The images as they are; of floats in the layer's compute dtype."""
        images = jnp.asarray(images)
        return images.astype(self.compute_dtype) if jnp.issubdtype(images.dtype, jnp.floating) else images

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Any, training: bool = True
    ) -> dict[str, Array]:
        """The boxes, so many as there shall be."""

        def fitted(array):
            array = array[:, : self.max_number]
            missing = [(0, self.max_number - array.shape[1]) if axis == 1 else (0, 0) for axis in range(array.ndim)]
            return jnp.pad(array, missing, constant_values=jnp.asarray(self.fill_value, array.dtype))

        return {**bounding_boxes, "boxes": fitted(bounding_boxes["boxes"]), "labels": fitted(bounding_boxes["labels"])}

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "max_number": self.max_number, "fill_value": self.fill_value}
