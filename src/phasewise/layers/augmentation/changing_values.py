"""What layers share that change the values of pixels and leave them where they are: labels, masks and boxes stay as they are."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.types import Array, Config, Shape
from phasewise.kernels.images.value_range import to_value_range
from phasewise.kernels.moments import wide
from phasewise.layer.layer import Layer
from phasewise.layers.augmentation.image_preprocessing import BaseImagePreprocessingLayer
from phasewise.layers.augmentation.ranges import check_factor


class ChangingValues:
    """A part of an image layer: subclass it before `BaseImagePreprocessingLayer`, with `changed(images, transformation)`.

    Attributes of a subclass:
        working_range: the range (low, high) that `changed` is given values of `value_range` in; None: as they come.
        channel_counts: how many channels images may have; None: any.
    """

    working_range: ClassVar[tuple[float, float] | None] = None
    channel_counts: ClassVar[tuple[int, ...] | None] = None
    value_range: tuple[float, float] | None = None  # of layers that take none

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images of a batch, channels last, float32 or wider, with other values, both in `working_range`."""
        raise NotImplementedError(f"{type(self).__name__} must define `changed`.")

    def acts(self, training: bool) -> bool:
        """Whether it does something in this phase."""
        return training

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images with other values, in the layer's compute dtype; computed in float32 or wider."""
        images = jnp.asarray(images)
        self._check_channels(images.shape)
        if not self.acts(training):
            return images.astype(self.compute_dtype)
        return self.in_channels_last(lambda x: self.change(x, transformation), wide(images)).astype(self.compute_dtype)

    def change(self, images: Array, transformation: Any) -> Array:
        """The images of a batch, channels last, float32 or wider, with other values, in `value_range`."""
        if self.working_range is None:
            return self.changed(images, transformation)
        images = to_value_range(images, self.value_range, self.working_range)
        return to_value_range(self.changed(images, transformation), self.working_range, self.value_range)

    def _check_channels(self, shape):
        known = self.channel_counts
        if known is not None and shape[self.channel_axis] not in known:
            words = {(3,): "3 channels (red, green, blue)", (1, 3): "3 channels (red, green, blue) or 1 (gray)"}
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) takes images of {words[known]}; got images of shape {tuple(shape)} with "
                f"{self.data_format!r}."
            )

    def clipped(self, images: Array) -> Array:
        """The images with what lies outside of `value_range` at its ends."""
        return jnp.clip(images, *self.value_range)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        config = super().get_config()
        return config if self.value_range is None else {**config, "value_range": self.value_range}


def per_image(values: Array, rank: int = 4) -> Array:
    """One value for each image, shaped so that it broadcasts against arrays of this rank."""
    return jnp.asarray(values).reshape((-1,) + (1,) * (rank - 1))


def check_pair(least: float, most: float, *, whole: bool = False) -> Callable[[Layer, str, Any], tuple[float, float]]:
    """The rule that a value is a pair of numbers in [least, most], whose order counts, or one number that stands for both.

    Args:
        least, most: the bounds.
        whole: whether they are integers.
    """
    one = check_factor(least, most)

    def check(layer, name, value):
        one(layer, name, value)  # or it raises
        first, second = value if isinstance(value, list | tuple) or hasattr(value, "__len__") else (value, value)
        if whole and not (first == int(first) and second == int(second)):
            raise ValueError(
                f"{type(layer).__name__}'s {name} is an integer from {least} to {most}, or a pair of them; got {value!r}."
            )
        return (int(first), int(second)) if whole else (float(first), float(second))

    return check


class AlwaysChangingValues(ChangingValues, BaseImagePreprocessingLayer):
    """A layer that does the same to every image, in training as in inference."""

    acts_by_phase = False

    def acts(self, training: bool) -> bool:
        """Always."""
        return True
