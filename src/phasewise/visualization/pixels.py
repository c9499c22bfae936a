"""A batch of images as bytes, whatever it is given as."""

import numpy as np

from phasewise.core.arguments import check_data_format
from phasewise.core.types import ArrayLike


def channels_last(owner: str, images: ArrayLike, data_format: str | None) -> np.ndarray:
    """The images (rows, height, width, channels).

    Raises:
        ValueError: they are no batch of images.
    """
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(
            f"{owner} takes a batch of images, an array of four axes; got shape {images.shape}. Of one image make a batch: image[None]."
        )
    data_format = check_data_format(owner, "data_format", data_format)
    return images.transpose(0, 2, 3, 1) if data_format == "channels_first" else images


def as_bytes(images: np.ndarray, value_range: tuple[float, float] | None = None) -> np.ndarray:
    """The images as uint8, a copy.

    Args:
        value_range: what is black and what is white. None: 0 and 255, or, of floats none of which is above 1, 0 and 1.
    """
    if value_range is None:
        is_fraction = images.dtype.kind == "f" and images.size > 0 and images.max() <= 1
        value_range = (0, 1) if is_fraction else (0, 255)
    low, high = value_range
    if images.dtype == np.uint8 and (low, high) == (0, 255):
        return images.copy()
    return np.clip((images.astype(np.float32) - low) * (255 / (high - low)), 0, 255).round().astype(np.uint8)
