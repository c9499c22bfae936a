"""Images side by side, with true and predicted boxes."""

from collections.abc import Mapping, Sequence
from typing import Any

from phasewise.core.keywords import told
from phasewise.core.types import ArrayLike
from phasewise.visualization.boxes import draw_bounding_boxes
from phasewise.visualization.gallery import matplotlib, plot_image_gallery
from phasewise.visualization.pixels import as_bytes, channels_last


@told
def plot_bounding_box_gallery(
    images: ArrayLike,
    bounding_box_format: str,
    y_true: Mapping[str, ArrayLike] | None = None,
    y_pred: Mapping[str, ArrayLike] | None = None,
    value_range: tuple[float, float] = (0, 255),
    true_color: Sequence[int] = (0, 188, 212),
    pred_color: Sequence[int] = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Sequence[Any] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Show images with true and predicted boxes, or write them to a file.

    Args:
        images: (images, height, width, channels).
        bounding_box_format: how the boxes are written: see `utils.bounding_boxes.convert_format`.
        y_true, y_pred: boxes, as `draw_bounding_boxes` takes them.
        value_range: what is black and what is white.
        true_color, pred_color: red, green, blue in 0 ... 255.
        line_thickness, font_scale, text_thickness: as in `draw_bounding_boxes`.
        class_mapping: names of classes; `ground_truth_mapping` and `prediction_mapping` go before it.
        legend: whether a legend says which colour is which.
        legend_handles: patches of matplotlib's for another legend.
        rows, cols, kwargs: as in `plot_image_gallery`.
        data_format: of `images`.

    Raises:
        ImportError: matplotlib or Pillow is not installed.
        ValueError: `legend` and `legend_handles`, or what `draw_bounding_boxes` refuses.
    """
    patches = matplotlib("plot_bounding_box_gallery", "patches")
    if legend and legend_handles:
        raise ValueError("plot_bounding_box_gallery takes legend=True or legend_handles, not both.")
    pixels = as_bytes(channels_last("plot_bounding_box_gallery", images, data_format), value_range)
    drawn = [
        (y_true, true_color, ground_truth_mapping or class_mapping, "Ground Truth"),
        (y_pred, pred_color, prediction_mapping or class_mapping, "Prediction"),
    ]
    for boxes, color, mapping, _ in drawn:
        if boxes is not None:
            pixels = draw_bounding_boxes(
                pixels,
                boxes,
                bounding_box_format,
                mapping,
                color,
                line_thickness,
                text_thickness,
                font_scale,
                "channels_last",
            )
    if legend:
        legend_handles = [patches.Patch(color=[c / 255 for c in color], label=name) for _, color, _, name in drawn]
    plot_image_gallery(
        pixels, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last", **kwargs
    )
