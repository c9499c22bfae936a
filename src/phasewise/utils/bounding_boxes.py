"""What Keras keeps under `keras.utils.bounding_boxes`. See `convert_format` for the forms in which boxes are written."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import one_of
from phasewise.core.types import Array, ArrayLike
from phasewise.layers.augmentation import bounding_boxes as forms
from phasewise.utils.box_overlap import compute_ciou, compute_iou

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]

_SMALLEST = 1e-7
_ENCODINGS = ("center_yxhw", "center_xywh")


def convert_format(
    boxes: ArrayLike | Mapping[str, Any],
    source: str,
    target: str,
    height: ArrayLike | None = None,
    width: ArrayLike | None = None,
    dtype: str = "float32",
) -> Any:
    """Boxes in another form.

    "xyxy" is (left, top, right, bottom), "yxyx" (top, left, bottom, right), "xywh" (left, top, width, height), "center_xywh" (x and y
    of the centre, width, height), "center_yxhw" the same with y before x; all in pixels. "rel_xyxy", "rel_yxyx", "rel_xywh" and
    "rel_center_xywh" are fractions of the image's width and height.

    Args:
        boxes: array of shape (..., 4), or a dict whose "boxes" is one; Keras changes that dict, this makes a new one.
        source, target: names of forms, in any case.
        height, width: sizes of the image, for relative forms: numbers, or arrays that broadcast against (..., 1).
        dtype: of the result.

    Returns:
        Boxes as they were given: an array, or a dict.

    Raises:
        ValueError: a form is unknown, a relative one has no sizes, or there are not four numbers a box.
    """
    return forms.convert_format(boxes, source, target, height, width, dtype)


def clip_to_image_size(
    bounding_boxes: Mapping[str, Any],
    height: ArrayLike | None = None,
    width: ArrayLike | None = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Any]:
    """The parts of boxes that lie in their image.

    Args:
        bounding_boxes: "boxes" (..., 4), and "labels" (...,) if there are any: that of a box of which nothing is left becomes -1.
        height, width: of the image; relative forms need none.
        bounding_box_format: the form.

    Returns:
        A new dict.

    Raises:
        ValueError: a form is unknown; sizes are missing.
    """
    form = forms.check_format("clip_to_image_size", "bounding_box_format", bounding_box_format)
    if form.startswith("rel_"):
        height, width = 1, 1
    elif height is None or width is None:
        raise ValueError(f"clip_to_image_size of {form!r} needs height and width; got {height} and {width}.")
    plain = form.removeprefix("rel_")
    corners = forms.clipped(forms.convert_format(bounding_boxes["boxes"], plain, "xyxy"), height, width)
    clipped = {**bounding_boxes, "boxes": forms.convert_format(corners, "xyxy", plain)}
    if bounding_boxes.get("labels") is not None:
        clipped["labels"] = jnp.where(forms.areas(corners) > 0, jnp.asarray(bounding_boxes["labels"]), -1)
    return clipped


def affine_transform(
    boxes: ArrayLike,
    angle: ArrayLike,
    translate_x: ArrayLike,
    translate_y: ArrayLike,
    scale: ArrayLike,
    shear_x: ArrayLike,
    shear_y: ArrayLike,
    height: ArrayLike,
    width: ArrayLike,
    center_x: ArrayLike | None = None,
    center_y: ArrayLike | None = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """The smallest upright boxes around boxes that are moved, turned, stretched and sheared.

    Sizes and centres are taken over width - 1 and height - 1, as in Keras: from the middle of the first pixel to that of the last.

    Args:
        boxes: (images, boxes, 4), in pixels.
        angle: degrees, (images,), as all others.
        translate_x, translate_y: fractions of the size.
        scale: factor.
        shear_x, shear_y: degrees.
        height, width: of the images.
        center_x, center_y: what stays where it is, as fractions of the size; the middle unless given.
        bounding_box_format: a form in pixels.

    Raises:
        ValueError: an unknown or a relative form.
    """
    corners = _corners("affine_transform", boxes, bounding_box_format)
    turn, shear_x, shear_y = (-jnp.deg2rad(jnp.asarray(each, jnp.float32)) for each in (angle, shear_x, shear_y))
    a = jnp.cos(turn - shear_y) / jnp.cos(shear_y)
    b = a * jnp.tan(shear_x) + jnp.sin(turn)
    c = -jnp.sin(turn - shear_y) / jnp.cos(shear_y)
    d = jnp.cos(turn) - c * jnp.tan(shear_x)
    (x0, moved_x), (y0, moved_y) = (
        ((0.5 if centre is None else jnp.asarray(centre)) * (size - 1), jnp.asarray(fraction) * (size - 1))
        for centre, fraction, size in ((center_x, translate_x, width), (center_y, translate_y, height))
    )
    a, b, c, d, x0, y0, moved_x, moved_y, scale = (
        jnp.reshape(jnp.asarray(each, jnp.float32), (-1, 1, 1))
        for each in (a, b, c, d, x0, y0, moved_x, moved_y, scale)
    )

    def moved(x, y):
        x, y = x - x0 + moved_x, y - y0 + moved_y
        return scale * (d * x - b * y) + x0, scale * (a * y - c * x) + y0

    return forms.convert_format(forms.around(corners, moved), "xyxy", bounding_box_format)


def crop(
    boxes: ArrayLike,
    top: ArrayLike,
    left: ArrayLike,
    height: ArrayLike,
    width: ArrayLike,
    bounding_box_format: str = "xyxy",
) -> Array:
    """Boxes in a part of their image: what of them lies in it, from its corner.

    Args:
        boxes: (..., 4), in pixels.
        top, left, height, width: the part.
        bounding_box_format: a form in pixels.

    Raises:
        ValueError: an unknown or a relative form.
    """
    corners = _corners("crop", boxes, bounding_box_format)
    corners = forms.clipped(corners - jnp.asarray([left, top, left, top], corners.dtype), height, width)
    return forms.convert_format(corners, "xyxy", bounding_box_format)


def pad(
    boxes: ArrayLike,
    top: ArrayLike,
    left: ArrayLike,
    height: ArrayLike | None = None,
    width: ArrayLike | None = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """Boxes in an image that has grown at the top and on the left.

    Args:
        boxes: (..., 4), in pixels.
        top, left: by how much.
        height, width: accepted for Keras's sake.
        bounding_box_format: a form in pixels.

    Raises:
        ValueError: an unknown or a relative form.
    """
    corners = _corners("pad", boxes, bounding_box_format)
    return forms.convert_format(
        corners + jnp.asarray([left, top, left, top], corners.dtype), "xyxy", bounding_box_format
    )


def encode_box_to_deltas(
    anchors: ArrayLike,
    boxes: ArrayLike,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """How boxes differ from anchors: ((centre - centre of the anchor) / size of the anchor, log(size / size of the anchor)).

    Args:
        anchors: (boxes, 4).
        boxes: (boxes, 4) or (images, boxes, 4).
        anchor_format, box_format: their forms.
        encoding_format: "center_yxhw" or "center_xywh".
        variance: four numbers that the differences are divided by.
        image_shape: (height, width, channels), for relative forms.

    Raises:
        ValueError: an unknown form, a `variance` of other length, or a relative form without `image_shape`.
    """
    one_of("encode_box_to_deltas", "encoding_format", encoding_format, _ENCODINGS)
    sizes = _sizes(image_shape)
    anchor = forms.convert_format(anchors, anchor_format, encoding_format, *sizes)
    box = forms.convert_format(boxes, box_format, encoding_format, *sizes)
    size = jnp.maximum(anchor[..., 2:], _SMALLEST)
    grown = jnp.broadcast_to(jnp.log(jnp.maximum(box[..., 2:], _SMALLEST) / size), (*box.shape[:-1], 2))
    return jnp.concatenate([(box[..., :2] - anchor[..., :2]) / size, grown], -1) / _variance(variance)


def decode_deltas_to_boxes(
    anchors: ArrayLike | Mapping[Any, ArrayLike],
    boxes_delta: ArrayLike | Mapping[Any, ArrayLike],
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Array | dict[Any, Array]:
    """The inverse of `encode_box_to_deltas`.

    Args:
        anchors: (boxes, 4), or a dict of them.
        boxes_delta: (boxes, 4) or (images, boxes, 4), or a dict of them with the same keys.
        All others as there.

    Raises:
        ValueError: an unknown form, a `variance` of other length, or a relative form without `image_shape`.
    """
    if isinstance(anchors, Mapping):
        rest = anchor_format, box_format, encoded_format, variance, image_shape
        return {key: decode_deltas_to_boxes(anchors[key], boxes_delta[key], *rest) for key in anchors}
    one_of("decode_deltas_to_boxes", "encoded_format", encoded_format, _ENCODINGS)
    sizes = _sizes(image_shape)
    anchor = forms.convert_format(anchors, anchor_format, encoded_format, *sizes)
    delta = jnp.asarray(boxes_delta, jnp.float32) * _variance(variance)
    middle = delta[..., :2] * anchor[..., 2:] + anchor[..., :2]
    box = jnp.concatenate([middle, jnp.exp(delta[..., 2:]) * anchor[..., 2:]], -1)
    return forms.convert_format(box, encoded_format, box_format, *sizes)


def _corners(owner, boxes, form):
    if forms.check_format(owner, "bounding_box_format", form).startswith("rel_"):
        raise ValueError(
            f"{owner} takes boxes in pixels; got the form {form!r}. Use convert_format before and after it."
        )
    return forms.convert_format(boxes, form, "xyxy")


def _sizes(image_shape):
    return (None, None) if image_shape is None else tuple(image_shape[:2])


def _variance(variance):
    if variance is None:
        return 1.0
    if np.shape(variance) != (4,):
        raise ValueError(f"variance is four numbers; got {variance!r}.")
    return jnp.asarray(variance, jnp.float32)
