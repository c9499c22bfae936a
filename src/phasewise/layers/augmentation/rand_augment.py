"""RandAugment: a few operations on each image, drawn from a list, all of one strength."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest, Shape
from phasewise.kernels.moments import wide
from phasewise.layers.augmentation.operations import OperatingLayer, for_each_image, through_chain
from phasewise.layers.augmentation.ranges import check_count
from phasewise.layers.regularization.random_layer import Seed

NAMES = (
    "random_shear",
    "random_translation",
    "random_rotation",
    "random_brightness",
    "random_color_degeneration",
    "random_contrast",
    "random_sharpness",
    "random_posterization",
    "solarization",
    "auto_contrast",
    "equalization",
)


def _through_chain(settings, names, method, part, drawn):
    return through_chain(settings, names, method, part, drawn["layer_idxes"], drawn["transforms"])


@register("layer")
class RandAugment(OperatingLayer):
    """In training, puts each image through `num_ops` operations drawn from eleven, one after the other. The identity in inference.

    Cubuk et al. (2020), "RandAugment: Practical automated data augmentation with a reduced search space". With s drawn from `factor`
    for each image and step, an operation is one of: a shear by s, a shift by s of the size, a rotation by s of a whole turn, a change of
    brightness by s of the range, of colours, contrast or sharpness by s, each to either side; 8 - 4 s bits a channel; a solarization
    with an addition of s and a threshold of 1 - s; auto-contrast; equalization. The last two have no strength.

    Args:
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        num_ops: how many operations each image goes through, at least 0.
        factor: the strengths from which is drawn, in [0, 1]: a pair, or one number f for (0, f).
        interpolation: "bilinear" or "nearest", of what moves pixels; segmentation masks are always moved by "nearest".
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, 3) of any real dtype, or of one channel; one image; or a dict, whose masks and boxes go where
    their pixels go. Output: the same shapes; images in the compute dtype.

    Where we differ from Keras: operations are drawn for each image, as in the paper, where Keras draws them once for the whole batch; a
    change goes to either side, where Keras only shifts down and to the right, turns to the left and makes brighter; a small factor
    means a small change, where Keras posterizes, solarizes and blurs the more the smaller it is; boxes go through the operations in the
    order in which the images do. As in Keras, a rotation may be by `factor` of a whole turn (in the paper by 30 degrees).
    """

    rules: ClassVar = {**OperatingLayer.rules, "num_ops": check_count(0)}

    def __init__(
        self,
        value_range: tuple[float, float] = (0, 255),
        num_ops: int = 2,
        factor: float | tuple[float, float] = 0.5,
        interpolation: str = "bilinear",
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range, self.num_ops, self.factor = value_range, num_ops, factor
        self.interpolation = interpolation

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """The numbers of the operations, "layer_idxes" (batch, num_ops), and what each would do, "transforms"."""
        if not training:
            return None
        source = self._seed_of_draw(self.seed if seed is None else seed)
        return self.draw_chains(data, NAMES, (self.num_ops,), source, may_rest=False)

    def _through(self, method, parts, transformation):
        return for_each_image(_through_chain, self.settings(), NAMES, method, parts, transformation)

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images, each through its operations, in the layer's compute dtype."""
        images = jnp.asarray(images)
        if training and transformation is not None and self.num_ops:
            images = self._through("transform_images", wide(images).astype(jnp.float32), transformation)
        return images.astype(self.compute_dtype)

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Any, training: bool = True
    ) -> Array:
        """The masks, moved as the images are, in their own dtype."""
        masks = jnp.asarray(segmentation_masks)
        if not training or transformation is None or not self.num_ops:
            return masks
        return self._through("transform_segmentation_masks", masks, transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Any, training: bool = True
    ) -> dict[str, Array]:
        """The boxes, moved as the images are; float32, the labels of those that left the image -1."""
        if not training or transformation is None or not self.num_ops:
            return bounding_boxes
        boxes, labels = jnp.asarray(bounding_boxes["boxes"], jnp.float32), jnp.asarray(bounding_boxes["labels"])
        labels = labels.astype(jnp.int32) if labels.dtype.kind == "u" else labels
        return self._through("transform_bounding_boxes", {"boxes": boxes, "labels": labels}, transformation)

    def disturbance(self) -> str:
        """Operates."""
        return f"puts each image through {self.num_ops} of {len(NAMES)} operations"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "num_ops": self.num_ops,
            "factor": self.factor,
            "interpolation": self.interpolation,
        }
