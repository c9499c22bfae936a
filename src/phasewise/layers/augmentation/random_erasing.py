"""A part of images erased at random."""

import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.augmentation.warping import shown
from phasewise.layers.regularization.random_layer import Seed

_check_probability = check_factor(0, 1)


def _check_fill_value(layer, name, value):
    is_list = isinstance(value, list | tuple)
    given = [] if value is None else list(value) if is_list else [value]
    if not all(isinstance(n, numbers.Real) and not isinstance(n, bool) and np.isfinite(n) for n in given) or (
        is_list and not given
    ):
        raise ValueError(
            f"RandomErasing's fill_value is a number, one for each channel, or None for noise; got {value!r}."
        )
    return tuple(value) if is_list else value


@register("layer")
class RandomErasing(RandomImageLayer):
    """In training, erases a rectangle of each image (Zhong et al. 2017). The identity in inference.

    Args:
        factor: the probability that an image is changed: a number p for one that is drawn from [0, p] for each image, or a pair of
            bounds within [0, 1].
        scale: the range of two numbers that are drawn for each image, a pair within [0, 1], or a number for (0, number): the
            rectangle's height and width are their square roots, as fractions of the image's. So it covers about such a part of the image.
        fill_value: what the rectangle is filled with: a number, a list of one for each channel, or None for noise drawn from N(m, r²)
            for each value, m the middle of `value_range` and r half its width; all kept within that range.
        value_range: pair (lowest, highest) of the images' values.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format, bounding_box_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict; what goes with the images stays as it is.
    Output: the same shapes; images in the compute dtype.

    Where we differ from Keras: its noise has the mean 0 and the standard deviation `value_range[1]`, so that with (0, 255) half of it is
    black; the two agree on (-1, 1). Images may have any number of channels where `fill_value` is a list.
    """

    rules: ClassVar = {
        "factor": _check_probability,
        "scale": _check_probability,
        "fill_value": _check_fill_value,
        "value_range": check_value_range,
    }

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float | Sequence[float] = (0.02, 0.33),
        fill_value: float | Sequence[float] | None = None,
        value_range: Sequence[float] = (0, 255),
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.scale, self.fill_value, self.value_range = factor, scale, fill_value, value_range

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """ "apply_erasing", boolean (batch,); "batch_masks", True where a rectangle is, of the images' rank with one channel; and the
        "fill_value", which broadcasts against the images."""
        if not training:
            return None
        batch, height, width = self.sizes(data)
        shares = jnp.sqrt(self.draw_uniform((batch, 2), *self.scale, seed=seed))
        starts = self.draw_uniform((batch, 2), seed=seed)
        across = _between(width, shares[:, 0], starts[:, 0])
        down = _between(height, shares[:, 1], starts[:, 1])
        masks = jnp.expand_dims(down[:, :, None] & across[:, None, :], self.channel_axis)
        applied = self.draw_chosen(batch, self.factor, seed)
        shape = np.shape(data["images"] if isinstance(data, dict) else data)
        fill = self._fill(shape if len(shape) == 4 else (1, *shape), seed)
        return {"apply_erasing": applied, "batch_masks": masks, "fill_value": fill}

    def _fill(self, shape, seed):
        low, high = self.value_range
        if self.fill_value is None:
            return jnp.clip((low + high) / 2 + (high - low) / 2 * self.draw_normal(shape, seed), low, high)
        values = np.clip(np.float32(self.fill_value), low, high)
        if values.ndim and shape[self.channel_axis] != len(values):
            raise ValueError(
                f"Layer {self.name!r} (RandomErasing) has a fill_value of {len(values)} channels; its images have shape {shape}."
            )
        return jnp.asarray(values.reshape(-1, 1, 1) if values.ndim and self.channel_axis == -3 else values)

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images with their rectangles filled."""
        images = jnp.asarray(images).astype(self.compute_dtype)
        if not training:
            return images
        erased = transformation["batch_masks"] & transformation["apply_erasing"][:, None, None, None]
        return jnp.where(erased, transformation["fill_value"].astype(images.dtype), images)

    def disturbance(self) -> str:
        """Erases a rectangle."""
        return f"erases a rectangle, {shown(self.scale)} of an image"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self.rules}}


def _between(size: int, share: Array, start: Array) -> Array:
    """Which entries of an axis of this size lie in a stretch of `share` of it; boolean (batch, size)."""
    length = share * size
    first = start * (size - length)
    places = np.arange(size, dtype=np.float32)
    return (places >= first[:, None]) & (places < (first + length)[:, None])
