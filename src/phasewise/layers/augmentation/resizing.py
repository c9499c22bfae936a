"""Images in another size."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.arguments import check_flag, check_number
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.interpolation import KERNELS
from phasewise.layers.augmentation.image_preprocessing import BaseImagePreprocessingLayer
from phasewise.layers.augmentation.windows import Window, WindowLayer, check_size, largest_window, smallest_frame
from phasewise.layers.spatial import check_word


def _flag(layer, name, value):
    return check_flag("Resizing", name, value)


@register("layer")
class Resizing(WindowLayer, BaseImagePreprocessingLayer):
    """Brings images to one size, in training as in inference.

    Args:
        height, width: positive int, the sizes of what comes out.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5": see `phasewise.kernels.interpolation.resized`.
        crop_to_aspect_ratio: True keeps the proportions: the largest window in the middle of the image that has those of the result is
            brought to its size.
        pad_to_aspect_ratio: True keeps the proportions, and the whole image: the smallest frame around it that has those of the
            result is filled up with `fill_value`. At most one of the two is True.
        fill_mode: "constant".
        fill_value: number.
        antialias: whether an image that shrinks is smoothed first, so that every pixel counts.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: (batch, `height`, `width`,
    channels); images of whole numbers come out as such, rounded and kept within their range, others in the compute dtype. Masks are
    resized by "nearest".

    Where we differ from Keras: with `pad_to_aspect_ratio` a border of an odd number of pixels is filled up whole, its larger half behind
    the image; Keras fills up twice the smaller half, so that proportions are not quite kept. Boxes go where their pixels go to a
    fraction of a pixel, with any border.
    """

    acts_by_phase = False
    rules: ClassVar = {
        "height": check_size,
        "width": check_size,
        "interpolation": check_word("nearest", *KERNELS),
        "crop_to_aspect_ratio": _flag,
        "pad_to_aspect_ratio": _flag,
        "fill_mode": check_word("constant"),
        "fill_value": lambda layer, name, value: check_number("Resizing", name, value),
        "antialias": _flag,
    }

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width, self.interpolation = height, width, interpolation
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value, self.antialias = fill_mode, fill_value, antialias
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(
                "Resizing keeps the proportions by crop_to_aspect_ratio or by pad_to_aspect_ratio; got True for both."
            )

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any]:
        """The "window" that is brought to the layer's sizes; nothing is drawn."""
        _, height, width = self.sizes(data)
        window = Window(0, 0, height, width)
        if self.crop_to_aspect_ratio:
            window = largest_window(height, width, self.height, self.width)
        elif self.pad_to_aspect_ratio:
            window = smallest_frame(height, width, self.height, self.width)
        return {"window": window, "height": height, "width": width}

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images in the layer's sizes."""
        images = jnp.asarray(images)
        if not jnp.issubdtype(images.dtype, jnp.integer):
            return super().transform_images(images, transformation, training)
        return self.in_channels_last(lambda x: self.move(x, transformation, training, self.interpolation), images)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self.rules}}
