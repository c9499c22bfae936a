"""What Keras keeps under `keras.preprocessing.image`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise import ops
from phasewise.core.arguments import check_data_format, check_sizes
from phasewise.core.dtypes import is_float_dtype
from phasewise.core.keywords import refuse_left_over, told
from phasewise.core.types import Array, ArrayLike
from phasewise.utils import array_to_img, img_to_array, load_img, save_img

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]


@told
def smart_resize(
    x: ArrayLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    **kwargs: Any,
) -> Array | np.ndarray:
    """Images of another size, undistorted: of each the largest part in the middle that has the shape of the target.

    Args:
        x: (height, width, channels), or a batch of them, in `data_format`.
        size: (height, width).
        interpolation: as in `ops.image.resize`.
        kwargs: `backend_module`, accepted for Keras's sake.

    Returns:
        Images of this size: a NumPy array for one, else an array of JAX; of whole numbers, float32, unless the nearest pixels are taken.

    Raises:
        TypeError: an unknown argument.
        ValueError: the size is not two numbers; `x` has another rank.
    """
    kwargs.pop("backend_module", None)
    refuse_left_over(smart_resize, kwargs)
    height, width = check_sizes("smart_resize", "size", size, 2)
    if np.ndim(x) not in (3, 4):
        raise ValueError(
            "smart_resize takes images of shape (height, width, channels), or a batch of them; "
            f"got an array of shape {np.shape(x)}."
        )
    keeps_dtype = interpolation == "nearest" or is_float_dtype(np.asarray(x).dtype)
    resized = ops.image.resize(
        x if keeps_dtype else np.asarray(x, np.float32),
        (height, width),
        interpolation,
        crop_to_aspect_ratio=True,
        data_format=check_data_format("smart_resize", "data_format", data_format),
    )
    return np.asarray(resized) if isinstance(x, np.ndarray) else resized
