"""What Keras keeps under `keras.visualization`: images with boxes, masks and labels, drawn with matplotlib and Pillow."""

from phasewise.core import public
from phasewise.visualization.box_gallery import plot_bounding_box_gallery
from phasewise.visualization.boxes import draw_bounding_boxes
from phasewise.visualization.gallery import plot_image_gallery
from phasewise.visualization.mask_gallery import plot_segmentation_mask_gallery
from phasewise.visualization.masks import draw_segmentation_masks

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]

public.finish(__name__)
