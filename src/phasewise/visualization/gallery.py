"""Images side by side."""

import importlib
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from phasewise.core.keywords import told
from phasewise.core.types import ArrayLike
from phasewise.visualization.pixels import as_bytes, channels_last


@told
def plot_image_gallery(
    images: ArrayLike,
    y_true: ArrayLike | None = None,
    y_pred: ArrayLike | None = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: tuple[float, float] = (0, 255),
    scale: float = 2,
    path: str | os.PathLike | None = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: int = 60,
    legend_handles: Sequence[Any] | None = None,
    data_format: str | None = None,
) -> None:
    """Show images in rows and columns, or write them to a file.

    Args:
        images: (images, height, width, channels), of 1, 3 or 4 channels.
        y_true, y_pred: the class of each, and what was predicted, (images,); they are written above it.
        label_map: names of classes; needed with these.
        rows, cols: how many; what is missing is such that all images have room, about as many rows as columns.
        value_range: what is black and what is white.
        scale: inches a picture.
        path: of a file; without it the figure is shown.
        show: whether `matplotlib.pyplot.show` is called; by default where no path is given.
        transparent: whether the file has no background.
        dpi: dots per inch of the file.
        legend_handles: patches of matplotlib's, for a legend below.
        data_format: of `images`.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: both `path` and `show`; classes without `label_map`; `images` is no batch.
    """
    pyplot = matplotlib("plot_image_gallery", "pyplot")
    if path is not None and show:
        raise ValueError("plot_image_gallery either writes to a file or shows: give `path`, or show=True.")
    if label_map is None and (y_true is not None or y_pred is not None):
        raise ValueError("y_true and y_pred need label_map, the names of the classes.")
    pixels = as_bytes(channels_last("plot_image_gallery", images, data_format), value_range)
    rows, cols = _grid(len(pixels), rows, cols)
    figure, axes = pyplot.subplots(
        rows, cols, figsize=(cols * scale, rows * scale), frameon=False, layout="constrained", squeeze=False
    )
    for number, place in enumerate(axes.flat):
        place.axis("off")
        if number < len(pixels):
            image = pixels[number]
            place.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
            place.set_title(_title(number, y_true, y_pred, label_map), fontsize=8)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="outside lower center")
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
        pyplot.close(figure)
    elif show or show is None:
        pyplot.show()
        pyplot.close(figure)


def matplotlib(owner: str, module: str) -> Any:
    """A module of matplotlib.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError:
        raise ImportError(f"{owner} needs matplotlib, which is not installed: pip install 'phasewise[plot]'") from None


def _grid(count, rows, cols):
    if rows is None:
        rows = math.ceil(count / cols) if cols else math.ceil(math.sqrt(count))
    rows = max(rows, 1)
    return rows, cols or max(math.ceil(count / rows), 1)


def _title(number, y_true, y_pred, label_map):
    parts = [
        f"{word}: {label_map.get(np.asarray(classes)[number].item(), 'Unknown')}"
        for word, classes in (("Label", y_true), ("Pred", y_pred))
        if classes is not None and number < len(classes)
    ]
    return "  ".join(parts)
