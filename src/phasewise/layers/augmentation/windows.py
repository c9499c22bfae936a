"""Windows of images: what is cut out of an image, or put around it, before it is brought to a size."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from phasewise.core.arguments import check_count
from phasewise.core.types import Array
from phasewise.kernels.interpolation import resized
from phasewise.layers.augmentation.moving_pixels import MovingPixels


class Window(NamedTuple):
    """A rectangle in the pixels of an image; where it begins before the image or ends behind it, there is nothing of the image."""

    top: int
    left: int
    height: int
    width: int


def largest_window(height: int, width: int, target_height: int, target_width: int) -> Window:
    """The largest window in the middle of an image that has the proportions of the target."""
    window_height = max(min(height, width * target_height // target_width), 1)
    window_width = max(min(width, height * target_width // target_height), 1)
    return Window((height - window_height) // 2, (width - window_width) // 2, window_height, window_width)


def smallest_frame(height: int, width: int, target_height: int, target_width: int) -> Window:
    """The smallest window around an image that has the proportions of the target, the image in its middle."""
    frame_height = max(height, width * target_height // target_width)
    frame_width = max(width, height * target_width // target_height)
    return Window(-((frame_height - height) // 2), -((frame_width - width) // 2), frame_height, frame_width)


class WindowLayer(MovingPixels):
    """Subclass it before an image layer, with `get_random_transformation`, whose dict holds "window", a `Window` of the images.

    `height` and `width` of the layer are the sizes to which the window is brought.
    """

    antialias = False

    def output_sizes(self, height: int, width: int) -> tuple[int, int]:
        """The layer's."""
        return self.height, self.width

    def acts(self, training: bool) -> bool:
        """In both phases: the sizes of what comes out do not depend on the phase."""
        return True

    def move(self, images: Array, transformation: Any, training: bool, interpolation: str) -> Array:
        """The window, in the layer's sizes; images of whole numbers are rounded."""
        images = within(images, transformation["window"], self.fill_value)
        done = resized(images, (1, 2), (self.height, self.width), interpolation, self.antialias)
        return done if done.dtype == images.dtype else saturated(done, images.dtype)

    def move_boxes(self, corners: Array, transformation: Any, training: bool) -> Array:
        """The boxes, as the window goes."""
        top, left, height, width = transformation["window"]
        across, down = self.width / width, self.height / height
        return (corners - jnp.asarray([left, top, left, top])) * jnp.asarray([across, down, across, down])


def within(images: Array, window: Window, fill_value: float) -> Array:
    """The part of images (batch, height, width, channels) in a window, `fill_value` where there is none."""
    cut = [(0, 0)]
    for first, size, length in zip(window[:2], window[2:], images.shape[1:3]):
        cut.append((max(first, 0), min(first + size, length)))
    images = images[:, slice(*cut[1]), slice(*cut[2])]
    borders = [
        (max(-first, 0), size - max(-first, 0) - (end - start))
        for first, size, (start, end) in zip(window[:2], window[2:], cut[1:])
    ]
    if not any(map(any, borders)):
        return images
    is_whole = jnp.issubdtype(images.dtype, jnp.integer)
    fill = saturated(fill_value, images.dtype) if is_whole else jnp.asarray(fill_value, images.dtype)
    return jnp.pad(images, [(0, 0), *borders, (0, 0)], constant_values=fill)


def saturated(values: Array, dtype: Any) -> Array:
    """Values rounded to whole numbers, the nearest of this dtype."""
    limits = jnp.iinfo(dtype)
    return jnp.clip(jnp.round(values), float(limits.min), float(limits.max)).astype(dtype)


def check_size(layer: Any, name: str, value: Any) -> int:
    """The rule that a value is a number of pixels."""
    return check_count(type(layer).__name__, name, value)
