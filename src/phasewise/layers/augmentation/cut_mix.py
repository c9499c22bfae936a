"""CutMix: a box of another image pasted into each."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.mixing import box_mask
from phasewise.layers.augmentation.mixing_rows import MixingRows
from phasewise.layers.augmentation.ranges import check_factor
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class CutMix(MixingRows):
    """In training, pastes a box of another image of its batch into each, and mixes labels by the area. The identity in inference.

    A box of the image's proportions with 1 - w of its area, w from Beta(a, a), lies anywhere in the image, with the partner's pixels of
    the same place; the partners are a random permutation (Yun et al. 2019). What is left of the image, counted in
    pixels, is the weight of its label.

    Args:
        factor: the a from which is drawn for each image, in [0, 1]: a pair, or one number f for (0, f). The smaller, the more boxes are
            almost nothing or almost everything.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format: see `BaseImagePreprocessingLayer`.

    Input: a dict with images (batch, height, width, channels) of any real dtype and labels, one-hot or numbers to be mixed, of the
    shape (batch, ...); or images alone. Output: the same shapes; images in the compute dtype, labels in their own where that is
    floating, else float32. Segmentation masks are pasted as the images are.

    Raises:
        ValueError: labels are numbers of classes.
        NotImplementedError: there are bounding boxes, of which the pasted box covers parts.

    Where we differ from Keras: boxes are of whole pixels, so that labels are mixed by what is really pasted; a is drawn for each image
    and not once for the batch; masks need not have as many channels as images; numbers of classes are refused.
    """

    rules: ClassVar = {"factor": check_factor(0, 1)}

    def __init__(
        self,
        factor: float | tuple[float, float] = 1.0,
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = factor

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Array] | None:
        """The partners, "permutation_order" (batch,), where they are pasted, "batch_masks", boolean (batch, height, width, 1) or with
        its channels first, and what is left of each image, "mix_weight" (batch, 1, 1, 1)."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        alpha = self.draw_uniform((batch, 1), *self.factor, seed=seed) + 1e-6
        ratio = jnp.sqrt(self.draw_dirichlet((batch, 2), alpha, seed)[:, 0])
        bounds = [self._bounds(batch, size, ratio, seed) for size in (height, width)]
        mask = box_mask(*zip(*bounds), (height, width))
        left = 1 - mask.mean((1, 2, 3), dtype=jnp.float32, keepdims=True)
        mask = jnp.moveaxis(mask, -1, self.channel_axis)
        return {
            "permutation_order": self.draw_partners(data, seed),
            "batch_masks": mask,
            "mix_weight": left,
        }

    def _bounds(self, batch, size, ratio, seed):
        """Where the boxes begin along an axis, and how long they are, in whole pixels."""
        length = jnp.round(ratio * size).astype(jnp.int32)
        place = self.draw_uniform((batch,), seed=seed) * (size - length + 1)
        return jnp.minimum(jnp.floor(place).astype(jnp.int32), size - length), length

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images with what is pasted into them, in the layer's compute dtype."""
        images = jnp.asarray(images).astype(self.compute_dtype)
        return self._pasted(images, transformation) if training and transformation is not None else images

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Any, training: bool = True
    ) -> Array:
        """The masks with what is pasted into them, in their own dtype."""
        masks = jnp.asarray(segmentation_masks)
        return self._pasted(masks, transformation) if training and transformation is not None else masks

    def _pasted(self, images, transformation):
        others = jnp.take(images, transformation["permutation_order"], axis=0)
        return jnp.where(transformation["batch_masks"], others, images)

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Any, training: bool = True
    ) -> dict[str, Array]:
        """The boxes, in inference.

        Raises:
            NotImplementedError: in training.
        """
        if training:
            raise NotImplementedError(
                f"CutMix {self.name!r} was given bounding boxes: the box that it pastes covers parts of them, and what is left of one may be no "
                "box. Use MixUp, which keeps the boxes of both images."
            )
        return bounding_boxes

    def disturbance(self) -> str:
        """Pastes."""
        return "pastes boxes of other images of the batch"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor}
