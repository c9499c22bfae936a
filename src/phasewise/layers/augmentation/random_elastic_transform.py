"""Images stretched here and there at random."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.warping import FILL_MODES, displaced
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.augmentation.warping import WARPING_RULES, WarpingLayer, shown
from phasewise.layers.regularization.random_layer import Seed
from phasewise.layers.spatial import check_word

_check_probability = check_factor(0, 1)


@register("layer")
class RandomElasticTransform(WarpingLayer):
    """In training, moves the pixels of each image by a smooth random field, as handwriting varies (Simard et al. 2003). The identity
    in inference.

    With s drawn from `scale`, each pixel moves in either direction by a distance drawn from N(0, d²), d = s max(height, width) / 10 / (2
    sqrt(pi)), alike for pixels that are nearer to each other than about s min(height, width) / 20: noise, smoothed by a Gaussian of
    that standard deviation.

    Args:
        factor: the probability that an image is changed: a number p for one that is drawn from [0, p] for each image, or a pair of
            bounds within [0, 1].
        scale: the range of s: a pair within [0, 1], or a number for (0, number).
        interpolation: "bilinear" or "nearest".
        fill_mode: see `RandomRotation`; also "mirror" (`d c b | a b c d | c b a`).
        fill_value: number.
        value_range: pair (lowest, highest); images are kept within it.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: s is drawn for each image (Keras: one for the batch), and the field is as strong at the edges of an image
    as in its middle. Masks move by the same field as their images (Keras draws them another). Boxes go along (Keras refuses them): a
    box becomes the smallest around the pixels that show something of it. It runs in compiled code.
    """

    rules: ClassVar = {
        **WARPING_RULES,
        "fill_mode": check_word(*FILL_MODES),
        "factor": _check_probability,
        "scale": _check_probability,
        "value_range": check_value_range,
    }

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float | Sequence[float] = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            fill_mode=fill_mode,
            interpolation=interpolation,
            seed=seed,
            fill_value=fill_value,
            data_format=data_format,
            **kwargs,
        )
        self.factor, self.scale, self.value_range = factor, scale, value_range

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """ "apply_transform", boolean (batch,), "distortion_factor" (batch,), and from where each pixel comes: "dx" and "dy", (batch, height,
        width), 0 in an image that is not changed."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        applied = self.draw_chosen(batch, self.factor, seed)
        strength = self.draw_uniform((batch,), *self.scale, seed=seed)
        alpha, sigma = 0.1 * strength * max(height, width), 0.05 * strength * min(height, width)
        far = jnp.where(applied, alpha / np.float32(2 * np.sqrt(np.pi)), 0)[:, None, None]
        down, across = _smoothing(height, sigma), _smoothing(width, sigma)
        dx, dy = (
            far * jnp.einsum("bij,bjk,blk->bil", down, self.draw_normal((batch, height, width), seed), across)
            for _ in range(2)
        )
        field = {"distortion_factor": strength, "dx": dx, "dy": dy}
        return {"apply_transform": applied, **field, "height": height, "width": width}

    def move(self, images: Array, transformation: Any, training: bool, interpolation: str) -> Array:
        """The images, stretched."""
        field = transformation["dx"], transformation["dy"]
        return displaced(images, *field, interpolation, self.fill_mode, self.fill_value)

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images, stretched, within the value range."""
        images = super().transform_images(images, transformation, training)
        return jnp.clip(images, *self.value_range) if training else images

    def move_boxes(self, corners: Array, transformation: Any, training: bool) -> Array:
        """The smallest boxes around the pixels whose middle comes from within the boxes."""
        height, width = transformation["height"], transformation["width"]
        columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
        x, y = (transformation["dx"] + columns + 0.5)[:, None], (transformation["dy"] + rows + 0.5)[:, None]
        left, top, right, bottom = (corners[..., i, None, None] for i in range(4))
        shows = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        ends = []
        for shown_there in (shows.any(2), shows.any(3)):  # in which columns, in which rows
            size = shown_there.shape[-1]
            ends.append((jnp.argmax(shown_there, -1), size - jnp.argmax(shown_there[..., ::-1], -1)))
        boxes = jnp.stack([ends[0][0], ends[1][0], ends[0][1], ends[1][1]], -1)
        return jnp.where(shows.any((2, 3))[..., None], boxes, 0).astype(corners.dtype)

    def disturbance(self) -> str:
        """Stretches images."""
        return f"stretches images here and there, scale {shown(self.scale)}"

    def get_config(self) -> Config:
        """Every argument."""
        names = ("factor", "scale", "value_range")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _smoothing(size: int, sigma: Array) -> Array:
    """Weights (batch, size, size) by which white noise becomes smooth noise of the same variance, one `sigma` for each image."""
    distance = np.arange(size)[:, None] - np.arange(size)
    weights = jnp.exp(-np.float32(distance**2) / (2 * jnp.maximum(sigma, 1e-3) ** 2)[:, None, None])
    return weights / jnp.sqrt((weights**2).sum(-1, keepdims=True))
