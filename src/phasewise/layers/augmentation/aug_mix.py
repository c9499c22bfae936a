"""AugMix: each image blended with what chains of operations make of it."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from phasewise.core.arguments import check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest, Shape
from phasewise.kernels.moments import wide
from phasewise.layers.augmentation.operations import OperatingLayer, apart, for_each_image, through_chain
from phasewise.layers.augmentation.ranges import check_count, check_positive
from phasewise.layers.regularization.random_layer import Seed

NAMES = (
    "random_shear",
    "random_translation",
    "random_rotation",
    "random_posterization",
    "solarization",
    "auto_contrast",
    "equalization",
)
FURTHER_NAMES = ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")


def _blended(settings, names, method, image, drawn):
    """One image, blended with what its chains make of it."""
    arrays, put = apart(drawn["transforms"])

    def add(total, given):
        share, choices, transforms = given
        return total + share * through_chain(settings, names, method, image, choices, put(transforms)), None

    given = (drawn["chain_mixing_weights"], drawn["layer_idxes"], arrays)
    mixed = jax.lax.scan(add, jnp.zeros_like(image), given)[0]
    return drawn["weight_sample"] * image + (1 - drawn["weight_sample"]) * mixed


@register("layer")
class AugMix(OperatingLayer):
    """In training, blends each image with a blend of what several chains of operations make of it. The identity in inference.

    Hendrycks et al. (2020), "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty": w x + (1 - w) * sum over
    chains of v_c * chain_c(x), kept in the range of values, with w from Beta(alpha, alpha) and v from Dirichlet(alpha). A chain has
    `chain_depth` steps, each an operation of `RandAugment` with a strength drawn from `factor`, or none.

    Args:
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        num_chains: how many chains, at least 1.
        chain_depth: how many steps each has, at least 0.
        factor: the strengths from which is drawn, in [0, 1]: a pair, or one number f for (0, f).
        alpha: above 0.
        all_ops: False leaves out brightness, colour, contrast and sharpness, as the paper does.
        interpolation: "bilinear" or "nearest", of what moves pixels; segmentation masks are always moved by "nearest".
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, 3) of any real dtype, or of one channel; one image; or a dict. Labels and boxes stay as they
    are; segmentation masks are floats, as one-hot ones are, and blended as the images are. Output: the same shapes; images in the
    compute dtype.

    Raises:
        ValueError: segmentation masks are numbers of classes.

    Where we differ from Keras: chains and weights are drawn for each image and at every step, where Keras draws them once for the whole
    batch, and its operations with Python's generator, so that a compiled function repeats the first ones for ever; and see
    `RandAugment`.
    """

    rules: ClassVar = {
        **OperatingLayer.rules,
        "num_chains": check_count(1),
        "chain_depth": check_count(0),
        "alpha": check_positive,
        "all_ops": lambda layer, name, value: check_flag(type(layer).__name__, name, value),
    }

    def __init__(
        self,
        value_range: tuple[float, float] = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: float | tuple[float, float] = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range, self.num_chains, self.chain_depth = value_range, num_chains, chain_depth
        self.factor, self.alpha, self.all_ops = factor, alpha, all_ops
        self.interpolation = interpolation

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the operations, in the order in which they are numbered."""
        return NAMES + FURTHER_NAMES if self.all_ops else NAMES

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """The weights "chain_mixing_weights" (batch, num_chains) and "weight_sample" (batch,), the numbers of the operations,
        "layer_idxes" (batch, num_chains, chain_depth), and what each would do, "transforms"."""
        if not training:
            return None
        source, batch = self._seed_of_draw(self.seed if seed is None else seed), self.sizes(data)[0]
        return {
            "chain_mixing_weights": self.draw_dirichlet((batch, self.num_chains), self.alpha, source),
            "weight_sample": self.draw_dirichlet((batch, 2), self.alpha, source)[:, 0],
            **self.draw_chains(data, self.names, (self.num_chains, self.chain_depth), source, may_rest=True),
        }

    def _blended(self, method, images, transformation):
        images = wide(images).astype(jnp.float32)
        return for_each_image(_blended, self.settings(), self.names, method, images, transformation)

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images, blended, in the layer's compute dtype."""
        images = jnp.asarray(images)
        if training and transformation is not None:
            images = jnp.clip(self._blended("transform_images", images, transformation), *self.value_range)
        return images.astype(self.compute_dtype)

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Any, training: bool = True
    ) -> Array:
        """The masks, blended as the images are.

        Raises:
            ValueError: they are whole numbers, which cannot be blended.
        """
        masks = jnp.asarray(segmentation_masks)
        if not training or transformation is None:
            return masks
        if not jnp.issubdtype(masks.dtype, jnp.floating):
            raise ValueError(
                f"AugMix {self.name!r} blends segmentation masks, which numbers of classes cannot be: got masks of dtype {masks.dtype}. "
                "Give them as floats with a channel for each class."
            )
        return self._blended("transform_segmentation_masks", masks, transformation).astype(masks.dtype)

    def disturbance(self) -> str:
        """Blends."""
        return f"blends each image with {self.num_chains} chains of operations on it"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        names = ("value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
