"""Normalization layers: one a file."""

from phasewise.layers.normalization.batch_normalization import BatchNormalization as BatchNormalization
