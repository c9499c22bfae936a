"""Models: what can be compiled, fitted and asked."""

from phasewise.models.model import Model as Model
from phasewise.models.sequential import Sequential as Sequential
