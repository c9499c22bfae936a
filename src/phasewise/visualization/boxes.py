"""Bounding boxes and the names of their classes, drawn into images."""

import importlib
from collections.abc import Mapping, Sequence

import numpy as np

from phasewise.core.keywords import told
from phasewise.core.types import ArrayLike
from phasewise.layers.augmentation.bounding_boxes import convert_format, dense
from phasewise.visualization.pixels import as_bytes, channels_last

_TEXT_SIZE = 16  # pixels, at font_scale 1


@told
def draw_bounding_boxes(
    images: ArrayLike,
    bounding_boxes: Mapping[str, ArrayLike],
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: Sequence[int] = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int | None = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:
    """Images with boxes drawn into them.

    Where Keras draws with OpenCV, this does with Pillow, in another font; it does not change `images`.

    Args:
        images: (rows, height, width, channels), of one channel or three; floats none of which is above 1 go from 0 to 1, all else to 255.
        bounding_boxes: "boxes" (rows, boxes, 4), "labels" (rows, boxes), -1 for what is no box, and if you like "confidences"
            (rows, boxes), which are written behind the names.
        bounding_box_format: how the boxes are written: see `utils.bounding_boxes.convert_format`.
        class_mapping: names of classes; a box whose class has none gets none.
        color: red, green, blue in 0 ... 255.
        line_thickness, text_thickness: pixels; a text_thickness of None is that of the lines.
        font_scale: 1 is 16 pixels.
        data_format: of `images`.

    Returns:
        (rows, height, width, channels), uint8.

    Raises:
        ImportError: Pillow is not installed.
        ValueError: `images` is no batch, or of another number of channels; `bounding_boxes` lacks a key.
    """
    drawing, fonts = _pillow("draw_bounding_boxes")
    pixels = as_bytes(channels_last("draw_bounding_boxes", images, data_format))
    height, width, channels = pixels.shape[1:]
    if channels not in (1, 3):
        raise ValueError(f"draw_bounding_boxes draws into images of 1 or 3 channels; got {channels}.")
    held = convert_format(dense(dict(bounding_boxes)), bounding_box_format, "xyxy", height, width)
    # Fractions of a size come back to whole pixels only nearly.
    boxes, labels = np.floor(np.asarray(held["boxes"]) + 1e-3).astype(int), np.asarray(held["labels"]).astype(int)
    if len(boxes) != len(pixels):
        raise ValueError(f"There are {len(pixels)} images and boxes for {len(boxes)}.")
    font = fonts.load_default(max(1, round(_TEXT_SIZE * font_scale)))
    stroke = ((text_thickness or line_thickness) - 1) // 2  # on both sides of letters that are about 1 pixel thick
    fill = tuple(color) if channels == 3 else round(sum(color) / 3)
    pictures = []
    for row, image in enumerate(pixels):
        picture = drawing.Image.fromarray(image if channels == 3 else image[..., 0])
        pen = drawing.Draw(picture)
        for box, label, confidence in zip(boxes[row], labels[row], _confidences(held, row, boxes)):
            if label == -1:
                continue
            pen.rectangle(_around(box, line_thickness), outline=fill, width=line_thickness)
            if class_mapping and label in class_mapping:
                text = class_mapping[label] + confidence
                pen.text(_place(pen, box, text, font, stroke), text, fill, font, stroke_width=stroke)
        pictures.append(np.asarray(picture).reshape(height, width, channels))
    return np.stack(pictures) if pictures else pixels


def _confidences(held, row, boxes):
    """What is written behind the name of each box."""
    if "confidences" not in held:
        return [""] * boxes.shape[1]
    return [f" | {value:.2f}" for value in np.asarray(held["confidences"])[row]]


def _around(box, thickness):
    """The corners that a line lies in whose middle is the box."""
    left, top, right, bottom = (int(edge) for edge in box)
    outside = (thickness - 1) // 2
    left, right, top, bottom = min(left, right), max(left, right), min(top, bottom), max(top, bottom)
    return left - outside, top - outside, right + outside, bottom + outside


def _place(pen, box, text, font, stroke):
    """Where the text begins: above the box, or in it where there is no room above; never out of the picture on the right."""
    left, _, right, bottom = pen.textbbox((0, 0), text, font, stroke_width=stroke)
    above = int(box[1]) - bottom - 3
    x = max(0, min(int(box[0]), pen.im.size[0] - (right - left)))
    return x, above if above >= 0 else int(box[1]) + 3


def _pillow(owner):
    try:
        return importlib.import_module("PIL.ImageDraw"), importlib.import_module("PIL.ImageFont")
    except ImportError:
        raise ImportError(f"{owner} needs Pillow, which is not installed: pip install pillow") from None
