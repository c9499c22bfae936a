"""How much boxes overlap."""

import math
from collections.abc import Sequence

import jax.numpy as jnp

from phasewise.core.defaults import epsilon
from phasewise.core.types import Array, ArrayLike
from phasewise.layers.augmentation.bounding_boxes import areas, convert_format


def compute_iou(
    boxes1: ArrayLike,
    boxes2: ArrayLike,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """Intersection over union of every box of the one with every box of the other.

    Args:
        boxes1: (boxes, 4) or (images, boxes, 4).
        boxes2: (others, 4) or (images, others, 4).
        bounding_box_format: the form of both: see `convert_format`.
        use_masking: whether boxes all of whose corners lie below 0 get `mask_val`.
        image_shape: (height, width, channels), for relative forms.

    Returns:
        (boxes, others), or (images, boxes, others) where one has images; 0 where neither has an area.

    Raises:
        ValueError: an unknown form, another rank, or a relative form without `image_shape`.
    """
    for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2)):
        if jnp.ndim(boxes) not in (2, 3):
            raise ValueError(
                f"compute_iou's {name} has the shape (boxes, 4) or (images, boxes, 4); got {jnp.shape(boxes)}."
            )
    first, second = (_corners(boxes, bounding_box_format, image_shape) for boxes in (boxes1, boxes2))
    one, other = first[..., :, None, :], second[..., None, :, :]
    shared = areas(
        jnp.concatenate([jnp.maximum(one[..., :2], other[..., :2]), jnp.minimum(one[..., 2:], other[..., 2:])], -1)
    )
    overlap = shared / (areas(one) + areas(other) - shared + epsilon())
    if not use_masking:
        return overlap
    is_none = (one.max(-1) < 0) | (other.max(-1) < 0)
    return jnp.where(is_none, jnp.asarray(mask_val, overlap.dtype), overlap)


def compute_ciou(
    boxes1: ArrayLike, boxes2: ArrayLike, bounding_box_format: str, image_shape: Sequence[int] | None = None
) -> Array:
    """Complete intersection over union of each box with its partner (Zheng et al. 2020, "Distance-IoU Loss").

    IoU - (distance of the centres / diagonal of the box around both)² - v α, where v = 4/π² (difference of arctan(width / height))²
    and α = v / (1 - IoU + v). Keras refuses relative forms even with `image_shape`; here they are taken.

    Args:
        boxes1, boxes2: (..., 4), of shapes that broadcast.
        bounding_box_format: the form of both: see `convert_format`.
        image_shape: (height, width, channels), for relative forms.

    Returns:
        (...,): 1 for equal boxes, down to below -1.

    Raises:
        ValueError: an unknown form, or a relative one without `image_shape`.
    """
    first, second = (_corners(boxes, bounding_box_format, image_shape) for boxes in (boxes1, boxes2))
    small = epsilon()
    shared = areas(
        jnp.concatenate(
            [jnp.maximum(first[..., :2], second[..., :2]), jnp.minimum(first[..., 2:], second[..., 2:])], -1
        )
    )
    (width1, height1), (width2, height2) = (
        (box[..., 2] - box[..., 0], box[..., 3] - box[..., 1] + small) for box in (first, second)
    )
    overlap = shared / (width1 * height1 + width2 * height2 - shared + 2 * small)
    around = jnp.maximum(first[..., 2:], second[..., 2:]) - jnp.minimum(first[..., :2], second[..., :2])
    apart = (first[..., :2] + first[..., 2:] - second[..., :2] - second[..., 2:]) / 2
    unlike = 4 / math.pi**2 * (jnp.arctan(width2 / height2) - jnp.arctan(width1 / height1)) ** 2
    weight = unlike / (unlike - overlap + 1 + small)
    return overlap - (apart**2).sum(-1) / ((around**2).sum(-1) + small) - unlike * weight


def _corners(boxes, form, image_shape):
    height, width = (None, None) if image_shape is None else image_shape[:2]
    return convert_format(boxes, form, "xyxy", height, width)
