"""What layers share that move the pixels of images: masks and bounding boxes go along."""

from typing import Any

import jax.numpy as jnp

from phasewise.core.types import Array
from phasewise.layers.augmentation.bounding_boxes import areas, clipped, convert_format


class MovingPixels:
    """A part of an image layer: subclass it before `BaseImagePreprocessingLayer`, with `move(images, transformation, training,
    interpolation)` and `move_boxes(corners, transformation, training)`.

    A transformation holds "height" and "width", the sizes of the images that came.
    """

    interpolation, fill_mode, fill_value = "bilinear", "constant", 0.0

    def move(self, images: Array, transformation: Any, training: bool, interpolation: str) -> Array:
        """The images of a batch, channels last, in the dtype in which they come."""
        raise NotImplementedError(f"{type(self).__name__} must define `move`.")

    def move_boxes(self, corners: Array, transformation: Any, training: bool) -> Array:
        """Boxes (left, top, right, bottom) in pixels, (batch, boxes, 4), of the images that come out; beyond their ends too."""
        raise NotImplementedError(f"{type(self).__name__} must define `move_boxes`.")

    def output_sizes(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the images that come out, for those that come."""
        return height, width

    def acts(self, training: bool) -> bool:
        """Whether it does something in this phase."""
        return training

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images with their pixels elsewhere, in the layer's compute dtype."""
        images = jnp.asarray(images).astype(self.compute_dtype)
        if not self.acts(training):
            return images
        return self.in_channels_last(lambda x: self.move(x, transformation, training, self.interpolation), images)

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Any, training: bool = True
    ) -> Array:
        """The masks with their pixels elsewhere, each value one that was there, or the `fill_value`; in their own dtype.

        Raises:
            ValueError: their dtype cannot hold the `fill_value`, which would come out as another class.
        """
        masks = jnp.asarray(segmentation_masks)
        if not self.acts(training):
            return masks
        self._check_fill(masks.dtype)
        return self.in_channels_last(lambda x: self.move(x, transformation, training, "nearest"), masks)

    def _check_fill(self, dtype):
        if self.fill_mode != "constant" or not jnp.issubdtype(dtype, jnp.integer):
            return
        limits = jnp.iinfo(dtype)
        if not limits.min <= self.fill_value <= limits.max:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) fills masks up with fill_value={self.fill_value}, which their dtype "
                f"{dtype} cannot hold. Give masks of another dtype, as int32."
            )

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Any, training: bool = True
    ) -> dict[str, Array]:
        """The boxes where their content is now, as much of them as is in the image; float32, in the layer's `bounding_box_format`.

        A box of which nothing is left in the image gets the label -1. A box without area, as those that fill up a batch, is no box:
        its numbers stay, its label is -1.
        """
        if not self.acts(training):
            return bounding_boxes
        boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
        height, width = transformation["height"], transformation["width"]
        new_height, new_width = self.output_sizes(height, width)
        corners = convert_format(boxes, self.bounding_box_format, "xyxy", height, width)
        moved = clipped(self.move_boxes(corners, transformation, training), new_height, new_width)
        was_there, is_there = areas(corners) > 0, areas(moved) > 0
        written = convert_format(moved, "xyxy", self.bounding_box_format, new_height, new_width)
        return {
            **bounding_boxes,
            "boxes": jnp.where(was_there[..., None], written, jnp.asarray(boxes, jnp.float32)),
            "labels": _none_where(~(was_there & is_there), labels),
        }


def _none_where(gone, labels):
    """Labels with -1 where a box is gone; one without a sign becomes int32, for -1 to have a place."""
    labels = jnp.asarray(labels)
    labels = labels.astype(jnp.int32) if labels.dtype.kind == "u" else labels
    return jnp.where(gone.reshape(gone.shape + (1,) * (labels.ndim - gone.ndim)), jnp.asarray(-1, labels.dtype), labels)
