"""The models under the module name that they have in Keras."""

from phasewise.model import Model as Model
from phasewise.sequential import Sequential as Sequential
