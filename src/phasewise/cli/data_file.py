"""DATA, as commands are given it: arrays in .npy and .npz, tables in .csv, folders of images, made ready for a model."""

import argparse
import fractions
import os
from typing import Any, NamedTuple

import jax
import numpy as np

from phasewise.cli import csv_table, numpy_files
from phasewise.cli.failing import Mistake, in_one_line
from phasewise.export.signature import Slot, signature_of
from phasewise.files.missing import missing
from phasewise.utils import image_dataset_from_directory

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
CHANNELS = {1: "grayscale", 3: "rgb", 4: "rgba"}


class Data(NamedTuple):
    """What a model is given.

    Attributes:
        x: an array, a nest of arrays, or a plan of batches.
        rows: how many.
        kind: "npy", "npz", "csv" or "images".
        batch_size: rows in a batch; None where `x` comes in batches.
        files: of images, the paths below the folder, in the order of the rows; else None.
    """

    x: Any
    rows: int
    kind: str
    batch_size: int | None
    files: list[str] | None = None


def add_options(parser: Any) -> None:
    """The argument DATA, and the options that say how it is read."""
    parser.add_argument("data", metavar="DATA", help=".npy, .npz, .csv, or a folder of images")
    parser.add_argument(
        "--batch-size", type=int, default=32, metavar="N", help="rows in a batch (default: %(default)s)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="take the first N rows")
    parser.add_argument(
        "--scale",
        metavar="FACTOR",
        help="what values are multiplied by, a number or a fraction such as 1/255: pixels of images come as 0 to 255 otherwise",
    )
    parser.add_argument("--array", metavar="NAME", help="which array of an .npz file is the model's input")
    parser.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a column of a .csv file to leave out, by its name or number; can be given again",
    )
    parser.add_argument(
        "--header",
        choices=("yes", "no"),
        help="whether the first line of a .csv file names the columns (default: yes where it has no numbers, no where it has nothing else)",
    )


def instead(given: Any, path: str) -> argparse.Namespace:
    """The same options for other data."""
    return argparse.Namespace(**{**vars(given), "data": path})


def check(given: Any) -> None:
    """Find mistakes in the options before anything is opened.

    Raises:
        Mistake: there is one.
    """
    _factor(given.scale)
    for name in ("batch_size", "limit"):
        value = getattr(given, name)
        if value is not None and value < 1:
            raise Mistake(f"--{name.replace('_', '-')} is a number of rows, at least 1; got {value}.")
    if not os.path.exists(given.data):
        raise Mistake(missing(given.data, "there are no data to read"))
    _kind(given.data)


def read(given: Any, model: Any) -> Data:
    """DATA for `model`, by the options of `add_options`.

    Raises:
        Mistake: it cannot be read, or is not what the model takes: the message has both shapes.
    """
    kind = _kind(given.data)
    slots = signature_of(model).slots if model.built else []
    if not slots:
        raise Mistake(f"the model in {given.file!r} was never built, so that it has no statistics.")
    if kind == "images":
        return _images(given, slots)
    if kind == "npz":
        arrays = numpy_files.of_npz(given.data, [slot.name for slot in slots], given.array)
    else:
        _check_single(given, slots)
        arrays = [
            numpy_files.of_npy(given.data) if kind == "npy" else csv_table.read(given.data, given.drop, given.header)
        ]
    factor = _factor(given.scale)
    arrays = [_ready(_rows(array, slot, given), slot, given, factor) for array, slot in zip(arrays, slots)]
    rows = len(arrays[0])
    if any(len(array) != rows for array in arrays):
        raise Mistake(
            f"the arrays of {given.data!r} have different numbers of rows: {[len(array) for array in arrays]}."
        )
    if not rows:
        raise Mistake(f"{given.data!r} has no rows.")
    return Data(jax.tree.unflatten(signature_of(model).tree, arrays), rows, kind, given.batch_size)


def _kind(path):
    if os.path.isdir(path):
        return "images"
    ending = os.path.splitext(path)[1].lower()
    if ending in (".npy", ".npz", ".csv"):
        return ending[1:]
    hint = " A single image is no population; give a folder of them." if ending in IMAGES else ""
    raise Mistake(f"DATA is a .npy, .npz or .csv file or a folder of images; got {path!r}.{hint}")


def _factor(text):
    if text is None:
        return None
    try:
        factor = float(fractions.Fraction(text))
    except (ValueError, ZeroDivisionError):
        raise Mistake(f"--scale is a number or a fraction such as 1/255; got {text!r}.") from None
    return factor


def _check_single(given, slots):
    if len(slots) > 1:
        names = ", ".join(repr(slot.name) for slot in slots)
        raise Mistake(
            f"the model in {given.file!r} has {len(slots)} inputs ({names}); give a .npz file that has an array of each name, not {given.data!r}."
        )


def _rows(array, slot, given):
    if not array.ndim:
        raise Mistake(
            f"{given.data!r} has a single value where the model's input {slot.name!r} takes {_shape(slot)}: a row an example."
        )
    return array[: given.limit]


def _ready(array, slot, given, factor):
    """The array in the shape and dtype of an input."""
    if slot.dtype == "string":
        if array.dtype.kind not in "UST":
            raise Mistake(f"the model's input {slot.name!r} takes strings; {given.data!r} has {array.dtype}.")
        return array
    if array.dtype.kind not in "fiub":
        raise Mistake(
            f"the model's input {slot.name!r} takes numbers ({slot.dtype}); {given.data!r} has {array.dtype}."
        )
    grey = array.ndim == len(slot.shape) - 1 and slot.shape[-1] == 1  # images as (rows, height, width)
    fitted = array[..., None] if grey and array.shape != slot.shape[1:] else array
    if not _fits(fitted, slot):
        raise Mistake(
            f"{given.data!r} has the shape {array.shape}, and the model's input {slot.name!r} takes {_shape(slot)}{_advice(array, slot, given)}."
        )
    _check_finite(fitted, given, factor)
    if factor is not None:
        fitted = (np.asarray(fitted, np.float64) * factor).astype(np.float32)
    return np.asarray(fitted)


def _fits(array, slot):
    sizes = zip(slot.shape[1:], array.shape[1:])
    return array.ndim == len(slot.shape) and all(want in (None, have) for want, have in sizes)


def _check_finite(array, given, factor):
    """NaN in one row would make every statistic NaN; so would a value that is infinite as float32."""
    if array.dtype.kind != "f":
        return
    largest = float(np.finfo(np.float32).max) / abs(factor or 1.0)
    for first in range(0, len(array), 1024):
        part = np.asarray(array[first : first + 1024], np.float64)
        good = (np.abs(part) <= largest).all(axis=tuple(range(1, part.ndim)))
        if not good.all():
            raise Mistake(
                f"row {first + int(np.argmin(good))} of {given.data!r} (the first is 0) has NaN or infinity, or a value beyond float32. "
                "Leave such rows out, or fill in what is missing."
            )


def _shape(slot):
    return (
        str(tuple("rows" if i == 0 and n is None else n for i, n in enumerate(slot.shape)))
        .replace("'", "")
        .replace("None", "any")
    )


def _advice(array, slot, given):
    if given.data.lower().endswith(".csv"):
        if array.ndim == len(slot.shape) == 2 and array.shape[1] > (slot.shape[1] or 0):
            return "; leave out the columns that are no features (labels, numbers of rows) with --drop"
        return "; a table has two axes, so that this model needs a .npy file" if len(slot.shape) != 2 else ""
    if array.ndim == len(slot.shape) - 1:
        return "; is the first axis, of the rows, missing?" if array.shape == slot.shape[1:] else ""
    return ""


def _images(given, slots):
    _check_single(given, slots)
    height, width, mode, layout = _image_axes(slots[0], given)
    try:
        plan = image_dataset_from_directory(
            given.data,
            labels=None,
            label_mode=None,
            color_mode=mode,
            batch_size=None,
            image_size=(height, width),
            shuffle=False,
            data_format=layout,
            verbose=False,
        )
    except ValueError as error:
        raise Mistake(in_one_line(error)) from error
    files = [os.path.relpath(path, given.data) for path in plan.file_paths][: given.limit]
    if given.limit is not None:
        plan = plan.take(len(files))
    factor = _factor(given.scale)
    if factor is not None:
        plan = plan.map(lambda image: image * np.float32(factor))
    return Data(plan.batch(given.batch_size), len(files), "images", None, files)


def _image_axes(slot: Slot, given: Any) -> tuple[int, int, str, str]:
    """(height, width, color mode, data format) that an input takes."""
    if len(slot.shape) == 4 and slot.dtype != "string":
        for layout, (height, width, channels) in (
            ("channels_last", slot.shape[1:]),
            ("channels_first", (*slot.shape[2:], slot.shape[1])),
        ):
            if channels in CHANNELS:
                return _size(height, given), _size(width, given), CHANNELS[channels], layout
    raise Mistake(
        f"{given.data!r} is a folder of images, and the model's input {slot.name!r} takes {_shape(slot)}: no images of 1, 3 or 4 channels."
    )


def _size(size, given):
    if size is None:
        raise Mistake(
            f"the model in {given.file!r} takes images of any size, so that those of {given.data!r} cannot be put in a batch; give a .npy file."
        )
    return size
