"""What Keras keeps under `keras.preprocessing.sequence`."""

from phasewise.utils import pad_sequences

__all__ = ["pad_sequences"]
