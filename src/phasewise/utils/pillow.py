"""Images as files, as Pillow's images and as arrays."""

import importlib
import io
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise.core.arguments import check_data_format, check_sizes, check_word
from phasewise.core.registry import one_of
from phasewise.core.types import ArrayLike, DTypeLike

COLOR_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")


def _pillow(owner):
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise ImportError(f"{owner} needs Pillow, which is not installed: pip install pillow") from None


def load_img(
    path: str | os.PathLike | io.IOBase,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """An image file as an image of Pillow.

    Args:
        path: of the file, or a file that is open.
        color_mode: "rgb", "rgba" or "grayscale".
        target_size: (height, width) to bring it to, or one number for both.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos", "box" or "hamming".
        keep_aspect_ratio: whether what is too high or too wide is cut off, as much on both sides, instead of squeezed.

    Raises:
        ImportError: Pillow is not installed.
        ValueError: an unknown colour mode or interpolation.
        OSError: there is no such file, or it is no image.
    """
    pillow = _pillow("load_img")
    mode = COLOR_MODES[one_of("load_img", "color_mode", color_mode, tuple(COLOR_MODES))]
    interpolation = check_word("load_img", "interpolation", interpolation, INTERPOLATIONS)
    size = None if target_size is None else check_sizes("load_img", "target_size", target_size, 2)
    with pillow.open(path) as opened:
        opened.load()
        deep = mode == "L" and opened.mode in ("I;16", "I")
        image = opened.copy() if deep or opened.mode == mode else opened.convert(mode)
    if size is None:
        return image
    height, width = size
    box = _centre(image.size, width, height) if keep_aspect_ratio else None
    if image.size == (width, height):
        return image
    return image.resize((width, height), getattr(pillow.Resampling, interpolation.upper()), box=box)


def _centre(size, width, height):
    """The largest box in the middle of an image with the shape of the target: left, upper, right, lower."""
    inner_width = min(size[0], size[1] * width // height)
    inner_height = min(size[1], size[0] * height // width)
    left, upper = (size[0] - inner_width) // 2, (size[1] - inner_height) // 2
    return left, upper, left + inner_width, upper + inner_height


def img_to_array(img: Any, data_format: str | None = None, dtype: DTypeLike | None = None) -> np.ndarray:
    """An image of Pillow as an array (height, width, channels), or with the channels first.

    Args:
        data_format: "channels_last" or "channels_first"; None is `phasewise.backend.image_data_format()`.
        dtype: "float32" where it is None; values stay those of the image, 0 to 255 in most.

    Raises:
        ValueError: it has neither two nor three axes.
    """
    data_format = check_data_format("img_to_array", "data_format", data_format)
    array = np.array(img, dtype=dtype or "float32")
    if array.ndim not in (2, 3):
        raise ValueError(
            f"An image has the axes (height, width) or (height, width, channels); got the shape {array.shape}."
        )
    array = array[..., None] if array.ndim == 2 else array
    return array.transpose(2, 0, 1) if data_format == "channels_first" else array


def array_to_img(
    x: ArrayLike, data_format: str | None = None, scale: bool = True, dtype: DTypeLike | None = None
) -> Any:
    """An array as an image of Pillow.

    Args:
        x: array of shape (height, width, channels), of 1, 3 or 4 channels; or with the channels first.
        data_format: "channels_last" or "channels_first"; None is `phasewise.backend.image_data_format()`.
        scale: whether its least value becomes 0 and its greatest 255.
        dtype: in which this is computed; "float32" where it is None.

    Raises:
        ImportError: Pillow is not installed.
        ValueError: another shape; or, without `scale`, values outside of [0, 255], of which Keras keeps the remainder by 256 (in one
            channel larger ones give an image of 32-bit integers, as there).
    """
    pillow = _pillow("array_to_img")
    data_format = check_data_format("array_to_img", "data_format", data_format)
    array = np.array(x, dtype=dtype or "float32")
    if array.ndim != 3:
        raise ValueError(f"array_to_img takes one image, (height, width, channels); got the shape {array.shape}.")
    array = array.transpose(1, 2, 0) if data_format == "channels_first" else array
    channels = array.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"An image has 1, 3 or 4 channels; an array of shape {np.shape(x)} has {channels} of them.")
    if scale:
        array = _stretched(array)
    if not np.isfinite(array).all() or array.min(initial=0) < 0 or (channels > 1 and array.max(initial=0) >= 256):
        raise ValueError(
            f"The values of an image lie between 0 and 255; these between {array.min():g} and {array.max():g}. Pass scale=True, or "
            "bring them there."
        )
    if channels > 1:
        return pillow.fromarray(array.astype("uint8"))
    return pillow.fromarray(array[..., 0].astype("int32" if array.max(initial=0) > 255 else "uint8"))


def _stretched(array):
    array = array - array.min(initial=np.inf)
    greatest = array.max(initial=0)
    return array / (greatest if greatest else 1) * 255


def save_img(
    path: str | os.PathLike | io.IOBase,
    x: ArrayLike,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array to an image file.

    Args:
        path: of the file, or one that is open.
        x, data_format, scale: as in `array_to_img`.
        file_format: "png", "jpeg" ...; by default what the ending of `path` says.
        **kwargs: for `PIL.Image.Image.save`.
    """
    if file_format is None and isinstance(path, str | os.PathLike):
        file_format = os.path.splitext(os.fspath(path))[1][1:]
    if file_format is None:
        raise ValueError("save_img needs file_format where it writes to an open file: 'png', for example.")
    file_format = {"jpg": "jpeg"}.get(file_format.lower(), file_format.lower())
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("JPEG holds no transparency: the fourth channel is left out.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)
