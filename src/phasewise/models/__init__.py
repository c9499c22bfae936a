"""Models: what can be compiled, fitted and asked."""

from phasewise.models.cloning import clone_model as clone_model
from phasewise.models.from_json import model_from_json as model_from_json
from phasewise.models.model import Model as Model
from phasewise.models.sequential import Sequential as Sequential
