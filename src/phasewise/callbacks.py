"""The callbacks, under Keras's name for their module."""

from phasewise.training.callbacks import *  # noqa: F403
from phasewise.training.callbacks import __all__ as __all__
