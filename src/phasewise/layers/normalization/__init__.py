"""Normalization layers: one a file."""

from phasewise.layers.normalization.batch_normalization import BatchNormalization as BatchNormalization
from phasewise.layers.normalization.group_normalization import GroupNormalization as GroupNormalization
from phasewise.layers.normalization.layer_normalization import LayerNormalization as LayerNormalization
from phasewise.layers.normalization.normalization import Normalization as Normalization
from phasewise.layers.normalization.rms_normalization import RMSNormalization as RMSNormalization
from phasewise.layers.normalization.spectral_normalization import SpectralNormalization as SpectralNormalization
from phasewise.layers.normalization.unit_normalization import UnitNormalization as UnitNormalization
