"""Images flipped at random."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.layers.augmentation.moving_pixels import MovingPixels
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.regularization.random_layer import Seed
from phasewise.layers.spatial import check_word

MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@register("layer")
class RandomFlip(MovingPixels, RandomImageLayer):
    """In training, flips each image with probability 1/2 for each direction. The identity in inference.

    Args:
        mode: "horizontal" (left and right change places), "vertical" (top and bottom), or "horizontal_and_vertical".
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: with "horizontal_and_vertical" the two directions are drawn each by itself. In Keras one coin decides
    for both, so that no image is flipped in one direction only.
    """

    rules: ClassVar = {"mode": check_word(*MODES)}

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = mode

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """Which images are flipped: "horizontal" and "vertical", boolean (batch,), or None for a direction that `mode` leaves out."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        flips = {
            direction: self.draw_uniform((batch,), seed=seed) < 0.5 if direction in self.mode else None
            for direction in MODES[:2]
        }
        return {**flips, "height": height, "width": width}

    def move(self, images: Array, transformation: Any, training: bool, interpolation: str) -> Array:
        """The images, flipped."""
        for direction, axis in (("horizontal", 2), ("vertical", 1)):
            if transformation[direction] is not None:
                flips = transformation[direction][:, None, None, None]
                images = jnp.where(flips, jnp.flip(images, axis), images)
        return images

    def move_boxes(self, corners: Array, transformation: Any, training: bool) -> Array:
        """The boxes, flipped."""
        for direction, size, first in (("horizontal", "width", 0), ("vertical", "height", 1)):
            if transformation[direction] is not None:
                flipped = corners.at[..., first].set(transformation[size] - corners[..., first + 2])
                flipped = flipped.at[..., first + 2].set(transformation[size] - corners[..., first])
                corners = jnp.where(transformation[direction][:, None, None], flipped, corners)
        return corners

    def disturbance(self) -> str:
        """Flips images."""
        return f"flips images, {self.mode.replace('_', ' ')}"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "mode": self.mode}
