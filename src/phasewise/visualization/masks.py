"""Segmentation masks laid over images."""

from collections.abc import Mapping, Sequence

import numpy as np

from phasewise.core.keywords import told
from phasewise.core.types import ArrayLike
from phasewise.visualization.pixels import as_bytes, channels_last

_STEPS = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])  # from colour to colour, as in Keras


@told
def draw_segmentation_masks(
    images: ArrayLike,
    segmentation_masks: ArrayLike,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray:
    """Images with the classes of their pixels laid over them in colours.

    Class 0 is the background and is not drawn. That is what Keras says too; what it does is to draw it in black and to leave out the last class.

    Args:
        images: (rows, height, width, 3); floats none of which is above 1 go from 0 to 1, all else to 255.
        segmentation_masks: classes, (rows, height, width) or (rows, height, width, 1), integers.
        num_classes: the greatest class that is drawn; by default the greatest that occurs.
        color_mapping: red, green, blue in 0 ... 255 by class; by default all differ.
        alpha: how opaque the masks are, in [0, 1].
        blend: whether the image is seen through the masks.
        ignore_index: a class that is not drawn.
        data_format: of `images` and of masks with four axes.

    Returns:
        (rows, height, width, 3), uint8.

    Raises:
        TypeError: the masks are no integers.
        ValueError: shapes do not fit; a class has no colour; `alpha` is out of range.
    """
    pixels = as_bytes(channels_last("draw_segmentation_masks", images, data_format))
    classes = _classes(segmentation_masks, pixels.shape, data_format)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is in [0, 1]; got {alpha}.")
    most = num_classes if num_classes is not None else int(classes.max(initial=0))
    opaque = alpha if blend else 1.0
    for each in np.unique(classes[(classes > 0) & (classes <= most) & (classes != ignore_index)]):
        if color_mapping is not None and int(each) not in color_mapping:
            raise ValueError(f"color_mapping has no colour for class {each}; it has {sorted(color_mapping)}.")
        color = np.array(color_mapping[int(each)] if color_mapping is not None else int(each) * _STEPS % 255)
        there = classes == each
        pixels[there] = (pixels[there] * (1 - opaque) + color * opaque).astype(np.uint8)
    return pixels


def _classes(masks, shape, data_format):
    masks = np.asarray(masks)
    if masks.dtype.kind not in "iu":
        raise TypeError(
            f"segmentation_masks are integers, one a pixel; got dtype {masks.dtype}. Use argmax over the classes."
        )
    if masks.ndim == 4:
        masks = channels_last("draw_segmentation_masks", masks, data_format)
        masks = masks[..., 0] if masks.shape[-1] == 1 else masks
    if masks.shape != shape[:3]:
        raise ValueError(f"Masks of images of shape {shape} have the shape {shape[:3]}; got {masks.shape}.")
    return masks.astype(np.int64)
