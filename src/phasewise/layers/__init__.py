"""Layers, one file a family."""

from phasewise.graph import InputLayer as InputLayer
from phasewise.layer import Layer as Layer
from phasewise.layers.dense import Dense as Dense
from phasewise.layers.noise import Dropout as Dropout
from phasewise.layers.noise import GaussianNoise as GaussianNoise
from phasewise.layers.normalization import BatchNormalization as BatchNormalization
from phasewise.spec import InputSpec as InputSpec
