"""MixUp: images and labels blended with those of another row."""

import numbers
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.layers.augmentation.mixing_rows import MixingRows, mixture
from phasewise.layers.regularization.random_layer import Seed


def _check_alpha(layer, name, value):
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not (np.isfinite(value) and value > 0):
        raise ValueError(f"{type(layer).__name__}'s {name} must be a finite number above 0; got {value!r}.")
    return value


@register("layer")
class MixUp(MixingRows):
    """In training, blends each image with another of its batch, and their labels by the same weight. The identity in inference.

    weight * x + (1 - weight) * x', with a weight from Beta(alpha, alpha) for each image and a partner by a random permutation
    (Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization"). Bounding boxes are those of both (Zhang et al. 2019).

    Args:
        alpha: above 0; the smaller, the nearer weights are to 0 or 1.
        data_format: see `BaseImagePreprocessingLayer`.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.

    Input: a dict with images (batch, height, width, channels) of any real dtype and labels, one-hot or numbers to be mixed, of the
    shape (batch, ...); or images alone. Segmentation masks are floats, as one-hot ones are. Output: the same shapes; images in the
    compute dtype, labels in their own where that is floating, else float32.

    Raises:
        ValueError: labels or segmentation masks are numbers of classes.

    Where we differ from Keras: labels of any rank are mixed row by row, where labels (batch,) become (batch, batch) there; masks are
    mixed with the masks of the partner, and boxes and their labels are joined along the same axis; numbers of classes are refused.
    """

    rules: ClassVar = {"alpha": _check_alpha}

    def __init__(self, alpha: float = 0.2, data_format: str | None = None, seed: Seed = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = alpha

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Array] | None:
        """The weights, "mix_weight" (batch,), and the partners, "permutation_order" (batch,)."""
        if not training:
            return None
        weight = self.draw_dirichlet((self.sizes(data)[0], 2), self.alpha, seed)[:, 0]
        return {"mix_weight": weight, "permutation_order": self.draw_partners(data, seed)}

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images, blended, in the layer's compute dtype."""
        images = jnp.asarray(images)
        if training and transformation is not None:
            images = mixture(images, transformation)
        return images.astype(self.compute_dtype)

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Any, training: bool = True
    ) -> dict[str, Array]:
        """The boxes of both images, (batch, 2 * boxes, 4)."""
        if not training or transformation is None:
            return bounding_boxes
        order = transformation["permutation_order"]
        return jax.tree.map(lambda each: jnp.concatenate([each, jnp.take(each, order, axis=0)], 1), bounding_boxes)

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Any, training: bool = True
    ) -> Array:
        """The masks, blended.

        Raises:
            ValueError: they are whole numbers, which cannot be blended.
        """
        if not training or transformation is None:
            return segmentation_masks
        masks = jnp.asarray(segmentation_masks)
        if not jnp.issubdtype(masks.dtype, jnp.floating):
            raise ValueError(
                f"MixUp {self.name!r} mixes segmentation masks, which numbers of classes cannot be: got masks of dtype {masks.dtype}. "
                "Give them as floats with a channel for each class."
            )
        return mixture(masks, transformation)

    def disturbance(self) -> str:
        """Blends."""
        return "blends images with others of the batch"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "alpha": self.alpha}
