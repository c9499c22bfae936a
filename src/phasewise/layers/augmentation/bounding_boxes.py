"""Bounding boxes: the forms in which people write them, and what happens to them when their image moves.

Coordinates are those of the edges between pixels: x = 0 is the left edge of an image, x = width its right edge, and pixel i lies
between i and i + 1.
"""

import jax.numpy as jnp

from phasewise.core.registry import one_of

# The order of the four numbers, and whether they are (first corner, second corner), (first corner, size) or (centre, size).
_FORMS = {
    "xyxy": ("xy", "corners"),
    "yxyx": ("yx", "corners"),
    "xywh": ("xy", "size"),
    "center_xywh": ("xy", "centre"),
    "center_yxhw": ("yx", "centre"),
}
FORMATS = (*_FORMS, "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


def convert_format(boxes, source, target, height=None, width=None, dtype="float32"):
    """Boxes in another form (Keras: `utils.bounding_boxes.convert_format`).

    "xyxy" is (left, top, right, bottom), "yxyx" (top, left, bottom, right), "xywh" (left, top, width, height), "center_xywh" (x and y
    of the centre, width, height), "center_yxhw" the same with y before x; all in pixels. "rel_xyxy", "rel_yxyx", "rel_xywh" and
    "rel_center_xywh" are fractions of the image's width and height.

    Args:
        boxes: array of shape (..., 4), or a dict whose "boxes" is one.
        source, target: names of forms, in any case.
        height, width: sizes of the image, for relative forms: numbers, or arrays that broadcast against (..., 1).
        dtype: of the result.

    Returns:
        Boxes as they were given: an array, or a new dict.

    Raises:
        ValueError: a form is unknown, a relative one has no sizes, or there are not four numbers a box.
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    source, target = (
        check_format("convert_format", name, form) for name, form in (("source", source), ("target", target))
    )
    boxes = jnp.asarray(boxes, dtype)
    if boxes.shape[-1:] != (4,):
        raise ValueError(f"Bounding boxes are arrays of shape (..., 4); got shape {boxes.shape}.")
    if source == target:
        return boxes
    relative = source.startswith("rel_"), target.startswith("rel_")
    if any(relative) and (height is None or width is None):
        raise ValueError(
            f"convert_format from {source!r} to {target!r} needs the image's height and width; got height={height} and width={width}."
        )
    corners = _corners(boxes, *_FORMS[source.removeprefix("rel_")])
    if relative[0] != relative[1]:
        first, second = jnp.split(corners, 2, axis=-1)
        sizes = jnp.concatenate(
            [jnp.broadcast_to(jnp.asarray(n, dtype), (*first.shape[:-1], 1)) for n in (width, height)], -1
        )
        corners = jnp.concatenate(
            [first * sizes, second * sizes] if relative[0] else [first / sizes, second / sizes], -1
        )
    return _written(corners, *_FORMS[target.removeprefix("rel_")])


def check_format(owner, name, form):
    """The form's name in lower case.

    Raises:
        ValueError: there is no such form.
    """
    return one_of(owner, name, form.lower() if isinstance(form, str) else form, FORMATS)


def _corners(boxes, order, form):
    """(left, top, right, bottom) of boxes."""
    first, second = jnp.split(boxes, 2, axis=-1)
    if order == "yx":
        first, second = first[..., ::-1], second[..., ::-1]
    if form == "centre":
        first, second = first - second / 2, first + second / 2
    elif form == "size":
        second = first + second
    return jnp.concatenate([first, second], -1)


def _written(corners, order, form):
    """Boxes in another form than (left, top, right, bottom)."""
    first, second = jnp.split(corners, 2, axis=-1)
    if form == "centre":
        first, second = first + (second - first) / 2, second - first
    elif form == "size":
        second = second - first
    if order == "yx":
        first, second = first[..., ::-1], second[..., ::-1]
    return jnp.concatenate([first, second], -1)


def areas(corners):
    """The area of each box (left, top, right, bottom), 0 where it has none; shape (...,)."""
    left, top, right, bottom = jnp.moveaxis(corners, -1, 0)
    return jnp.maximum(right - left, 0) * jnp.maximum(bottom - top, 0)


def clipped(corners, height, width):
    """The part of each box (left, top, right, bottom) that lies in an image of this size."""
    return jnp.clip(corners, 0, jnp.asarray([width, height, width, height], corners.dtype))


def around(corners, moved):
    """The smallest upright boxes around boxes whose corners go elsewhere.

    Args:
        corners: (left, top, right, bottom), of shape (..., 4).
        moved: function of arrays (x, y), of shape (..., 4), that returns where these points go.
    """
    left, top, right, bottom = jnp.moveaxis(corners, -1, 0)
    x, y = moved(jnp.stack([left, right, left, right], -1), jnp.stack([top, top, bottom, bottom], -1))
    return jnp.stack([x.min(-1), y.min(-1), x.max(-1), y.max(-1)], -1)


def dense(bounding_boxes):
    """Boxes as two arrays, from arrays or from lists of unequal lengths, one a image: those are filled up with boxes of zeros and
    labels of -1.

    Args:
        bounding_boxes: dict with "boxes" (..., 4) and "labels".

    Raises:
        ValueError: it is no such dict, or a list of boxes has another length than that of its labels.
    """
    if not isinstance(bounding_boxes, dict) or not {"boxes", "labels"} <= set(bounding_boxes):
        shown = sorted(bounding_boxes) if isinstance(bounding_boxes, dict) else type(bounding_boxes).__name__
        raise ValueError(f'Bounding boxes are a dict with the keys "boxes" and "labels"; got {shown}.')
    boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
    if isinstance(boxes, list | tuple) and isinstance(labels, list | tuple):
        boxes, labels = _filled_up(boxes, labels)
    boxes, labels = jnp.asarray(boxes, jnp.float32), jnp.asarray(labels)
    if boxes.ndim not in (2, 3) or boxes.shape[-1] != 4 or labels.shape[: boxes.ndim - 1] != boxes.shape[:-1]:
        raise ValueError(
            "Bounding boxes have the shape (batch, boxes, 4) or (boxes, 4), and their labels the same without the last axis, or with "
            f"one for classes; got boxes of shape {boxes.shape} and labels of shape {labels.shape}."
        )
    return {**bounding_boxes, "boxes": boxes, "labels": labels}


def _filled_up(boxes, labels):
    counts = [[len(each) if isinstance(each, list | tuple) else None for each in part] for part in (boxes, labels)]
    is_nested = bool(labels) and counts[1][0] is not None
    if len(boxes) != len(labels) or (is_nested and counts[0] != counts[1]):
        raise ValueError(f"There are as many labels as boxes; got {counts[0]} boxes and {counts[1]} labels.")
    if not is_nested:
        return boxes, labels
    most = max(counts[0])
    rows = [list(row) + [[0.0] * 4] * (most - len(row)) for row in boxes]
    return rows or [[]], [list(row) + [-1] * (most - len(row)) for row in labels]
