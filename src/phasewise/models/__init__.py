"""Models: what can be compiled, fitted and asked."""

from typing import TYPE_CHECKING

from phasewise.models.cloning import clone_model as clone_model
from phasewise.models.from_json import model_from_json as model_from_json
from phasewise.models.model import Model as Model
from phasewise.models.sequential import Sequential as Sequential

if TYPE_CHECKING:  # Keras keeps these here too; what opens files stands above, and is imported when it is asked for
    from phasewise.saving import load_model as load_model
    from phasewise.saving import save_model as save_model
