"""Normalization layers: one a file."""

from phasewise.layers.normalization.batch_normalization import BatchNormalization as BatchNormalization
from phasewise.layers.normalization.layer_normalization import LayerNormalization as LayerNormalization
