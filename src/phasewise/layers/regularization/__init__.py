"""Layers that regularize: one idea a file."""

from phasewise.layers.regularization.activity_regularization import ActivityRegularization as ActivityRegularization
from phasewise.layers.regularization.alpha_dropout import AlphaDropout as AlphaDropout
from phasewise.layers.regularization.dropout import Dropout as Dropout
from phasewise.layers.regularization.dropout import SpatialDropout1D as SpatialDropout1D
from phasewise.layers.regularization.dropout import SpatialDropout2D as SpatialDropout2D
from phasewise.layers.regularization.dropout import SpatialDropout3D as SpatialDropout3D
from phasewise.layers.regularization.gaussian import GaussianDropout as GaussianDropout
from phasewise.layers.regularization.gaussian import GaussianNoise as GaussianNoise
