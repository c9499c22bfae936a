"""A part of images, cut out at random."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.windows import Window, WindowLayer, check_size, largest_window
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class RandomCrop(WindowLayer, RandomImageLayer):
    """In training, cuts a window of one size out of each image, at a place drawn for it. In inference the largest window in the
    middle that has the same proportions is brought to that size, by bilinear interpolation; so it is in training where an image is
    smaller in some direction.

    Args:
        height, width: positive int, the sizes of what comes out.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: (batch, `height`, `width`,
    channels), images in the compute dtype.

    Where we differ from Keras: each image is cut at a place of its own (Keras: one for the batch). What comes out has one size in both
    phases, as Keras's documentation says; its layer returns the images whole in inference, and cuts from too small an image without
    regard to proportions. An image that is as large as the window in one direction is cut at random in the other. Boxes go where their
    pixels go; Keras moves their x by the distance of y.
    """

    rules: ClassVar = {"height": check_size, "width": check_size}

    def __init__(
        self,
        height: int,
        width: int,
        seed: Seed = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height, self.width = height, width

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any]:
        """The "window" of each image: its first row and column are arrays (batch,) where they are drawn."""
        batch, height, width = self.sizes(data)
        over = height - self.height, width - self.width
        if not training or min(over) < 0:
            window = largest_window(height, width, self.height, self.width)
        else:
            firsts = (self.draw_uniform((batch,), 0, n + 1, seed=seed).astype(jnp.int32) for n in over)
            window = Window(*(jnp.minimum(first, n) for first, n in zip(firsts, over)), self.height, self.width)
        return {"window": window, "height": height, "width": width}

    def move(self, images: Array, transformation: Any, training: bool, interpolation: str) -> Array:
        """The windows of the images."""
        top, left, height, width = transformation["window"]
        if isinstance(top, int):
            return super().move(images, transformation, training, interpolation)
        sizes = height, width, images.shape[-1]
        return jax.vmap(lambda image, row, column: jax.lax.dynamic_slice(image, (row, column, 0), sizes))(
            images, top, left
        )

    def move_boxes(self, corners: Array, transformation: Any, training: bool) -> Array:
        """The boxes, as the windows go."""
        top, left, _, _ = transformation["window"]
        if isinstance(top, int):
            return super().move_boxes(corners, transformation, training)
        return corners - jnp.stack([left, top, left, top], -1)[:, None].astype(corners.dtype)

    def disturbance(self) -> str:
        """Cuts a window out."""
        return f"cuts out {self.height} x {self.width} pixels"

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """Where the window is."""
        return self.disturbance() if training else f"resizes the middle to {self.height} x {self.width} pixels"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "height": self.height, "width": self.width}
