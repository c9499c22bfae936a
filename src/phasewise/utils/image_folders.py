"""Folders of images as a data set."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise.core.arguments import check_data_format, check_sizes, check_word
from phasewise.core.registry import one_of
from phasewise.utils.folders import Folder
from phasewise.utils.pillow import COLOR_MODES, img_to_array, load_img
from phasewise.utils.resizing import METHODS, resized


def image_dataset_from_directory(
    directory: str | os.PathLike,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """A data set of the images in a directory, one folder a class.

    Args:
        directory: holds a folder for each class; with `labels` a list or None, all images in it and below it are taken.
        labels: "inferred" from the folders, None, or a list of class numbers in the order of the sorted paths.
        label_mode: "int" (int32), "binary" (float32, (batch, 1)), "categorical" (one-hot float32) or None.
        class_names: the folders that are the classes, in their order; by default all, sorted.
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: images in a batch; None gives single ones.
        image_size: (height, width), or one number for both.
        shuffle: whether they come in random order, another one every pass. Which files are in which subset is as in Keras with
            the same seed. Sorted by path otherwise.
        seed: int, of the order.
        validation_split, subset: a fraction to set apart, and which part is wanted: "training", "validation" or "both".
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian" or "mitchellcubic".
        follow_links: whether linked folders are gone into.
        crop_to_aspect_ratio, pad_to_aspect_ratio: whether what is too high or too wide is cut off, or what is too low or narrow is
            filled up with zeros, equally on both sides, instead of squeezed.
        data_format: "channels_last" or "channels_first"; None is `phasewise.backend.image_data_format()`.
        format: accepted for Keras's sake.
        verbose: whether it says how many files were found.

    Returns:
        A `Dataset` of images (float32, values 0 to 255), or of (images, labels), which has `class_names` and `file_paths`; a list of
        two for the subset "both".

    Raises:
        ImportError: Pillow is not installed (`pip install pillow`).
        ValueError: arguments that contradict each other; no files. A file that is no image is named when it is read.
    """
    owner = "image_dataset_from_directory"
    one_of(owner, "color_mode", color_mode, tuple(COLOR_MODES))
    interpolation = check_word(owner, "interpolation", interpolation, METHODS)
    one_of(owner, "format", format, ("tf", "grain"))
    data_format = check_data_format(owner, "data_format", data_format)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be true.")
    size = check_sizes(owner, "image_size", image_size, 2)

    def load(path):
        try:
            image = img_to_array(load_img(path, color_mode), "channels_last")
        except OSError as error:
            error.add_note(f"While {path} was read as an image.")
            raise
        if crop_to_aspect_ratio:
            image = _cropped(image, *size)
        if pad_to_aspect_ratio:
            image = _padded(image, *size)
        image = resized(image, *size, interpolation)
        return image.transpose(2, 0, 1) if data_format == "channels_first" else image

    folder = Folder(
        owner,
        directory,
        (".bmp", ".gif", ".jpeg", ".jpg", ".png"),
        labels,
        label_mode,
        class_names,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
    return folder.plans(load, lambda plan: plan if batch_size is None else plan.batch(batch_size))


def _cropped(image, height, width):
    """The largest part in the middle with the shape of the target."""
    rows, columns = image.shape[:2]
    kept_rows, kept_columns = min(rows, columns * height // width), min(columns, rows * width // height)
    top, left = (rows - kept_rows) // 2, (columns - kept_columns) // 2
    return image[top : top + max(kept_rows, 1), left : left + max(kept_columns, 1)]


def _padded(image, height, width):
    """The image in the middle of zeros that have the shape of the target."""
    rows, columns = image.shape[:2]
    wanted_rows, wanted_columns = max(rows, columns * height // width), max(columns, rows * width // height)
    top, left = (wanted_rows - rows) // 2, (wanted_columns - columns) // 2
    around = (top, wanted_rows - rows - top), (left, wanted_columns - columns - left), (0, 0)
    return np.pad(image, around)
