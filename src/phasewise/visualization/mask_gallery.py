"""Images beside themselves with true and predicted masks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from phasewise.core.keywords import told
from phasewise.core.types import ArrayLike
from phasewise.visualization.gallery import plot_image_gallery
from phasewise.visualization.masks import draw_segmentation_masks
from phasewise.visualization.pixels import as_bytes, channels_last


@told
def plot_segmentation_mask_gallery(
    images: ArrayLike,
    num_classes: int,
    value_range: tuple[float, float] = (0, 255),
    y_true: ArrayLike | None = None,
    y_pred: ArrayLike | None = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Show a row for each image: the image, with its true masks, with its predicted masks; or write them to a file.

    Args:
        images: (images, height, width, 3).
        num_classes: the greatest class that is drawn.
        value_range: what is black and what is white.
        y_true, y_pred: masks, as `draw_segmentation_masks` takes them.
        color_mapping, blend, alpha, ignore_index: as in `draw_segmentation_masks`.
        data_format: of `images` and of masks with four axes.
        kwargs: as in `plot_image_gallery`.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError, TypeError: what `draw_segmentation_masks` refuses.
    """
    pixels = as_bytes(channels_last("plot_segmentation_mask_gallery", images, data_format), value_range)
    columns = [pixels]
    for masks in (y_true, y_pred):
        if masks is not None:
            masks = np.asarray(masks)
            masks = channels_last("plot_segmentation_mask_gallery", masks, data_format) if masks.ndim == 4 else masks
            columns.append(
                draw_segmentation_masks(
                    pixels, masks, num_classes, color_mapping, alpha, blend, ignore_index, "channels_last"
                )
            )
    together = np.stack(columns, 1).reshape(-1, *pixels.shape[1:])
    plot_image_gallery(together, rows=len(pixels), cols=len(columns), data_format="channels_last", **kwargs)
