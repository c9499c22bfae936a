"""Images blurred at random."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.blurring import gaussian_blurred
from phasewise.layers.augmentation.changing_values import ChangingValues, check_pair, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.regularization.random_layer import Seed

LARGEST = 1023  # pixels of a kernel: its sum is written out


def _check_kernel_size(layer, name, value):
    sizes = check_pair(1, LARGEST, whole=True)(layer, name, value)
    if sizes[0] % 2 == 0 or sizes[1] % 2 == 0:
        raise ValueError(
            f"{type(layer).__name__}'s {name} must be odd, so that the kernel has a middle: a number, or a pair (along the width, along "
            f"the height); got {value!r}."
        )
    return sizes


@register("layer")
class RandomGaussianBlur(ChangingValues, RandomImageLayer):
    """In training, blurs images at random. The identity in inference.

    Each image is blurred with a probability that is itself drawn from `factor`. A pixel becomes the mean of those around it, weighed by
    exp(-d² / (2 sigma²)) along the width and along the height, with a sigma of each image for each of the two; beyond the edge the
    outermost pixel goes on.

    Args:
        factor: the probabilities from which is drawn, in [0, 1]: a pair, or one number f for (0, f).
        kernel_size: how many pixels the mean is taken over, odd: one number, or a pair (along the width, along the height).
        sigma: the standard deviations in pixels from which is drawn, at least 0: a pair, or one number s for (0, s).
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1); what lies outside is cut off.
        data_format: see `BaseImagePreprocessingLayer`.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: sigmas are drawn for each image, as its documentation has it, where its code draws one pair for the whole
    batch, and may be above 1; zeros beyond the edge do not make it dark.
    """

    rules: ClassVar = {
        "factor": check_factor(0, 1),
        "kernel_size": _check_kernel_size,
        "sigma": check_factor(0, 1000),
        "value_range": check_value_range,
    }

    def __init__(
        self,
        factor: float | tuple[float, float] = 1.0,
        kernel_size: int | tuple[int, int] = 3,
        sigma: float | tuple[float, float] = 1.0,
        value_range: tuple[float, float] = (0, 255),
        data_format: str | None = None,
        seed: Seed = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.kernel_size, self.sigma, self.value_range = factor, kernel_size, sigma, value_range

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Array] | None:
        """Which images are blurred, "should_apply_blur" (batch,), and the sigmas of each, "blur_factor" (batch, 2)."""
        if not training:
            return None
        batch = self.sizes(data)[0]
        return {
            "should_apply_blur": self.draw_chosen(batch, self.factor, seed=seed),
            "blur_factor": self.draw_uniform((batch, 2), *self.sigma, seed=seed) + 1e-6,
        }

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, blurred where that was drawn."""
        sigmas = jnp.broadcast_to(transformation["blur_factor"], (images.shape[0], 2)).astype(images.dtype)
        blurred = gaussian_blurred(images, self.kernel_size, sigmas)
        return self.clipped(jnp.where(per_image(transformation["should_apply_blur"]), blurred, images))

    def disturbance(self) -> str:
        """Blurs."""
        return "blurs images"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "factor": self.factor, "kernel_size": self.kernel_size, "sigma": self.sigma}
