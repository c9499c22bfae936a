"""What Keras keeps under `keras.preprocessing`, from older times: data from folders, and below it images and sequences."""

from phasewise.core import public
from phasewise.preprocessing import image, sequence
from phasewise.utils import image_dataset_from_directory, text_dataset_from_directory, timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

public.finish(__name__)
