"""What Keras keeps under `keras.saving`: models in files, and the names under which files speak of a user's own classes."""

from phasewise.core import public
from phasewise.core.custom_objects import CustomObjectScope as CustomObjectScope
from phasewise.core.custom_objects import custom_object_scope as custom_object_scope
from phasewise.core.custom_objects import get_custom_objects as get_custom_objects
from phasewise.core.custom_objects import register_keras_serializable as register_keras_serializable
from phasewise.core.describing import get_registered_name as get_registered_name
from phasewise.core.describing import get_registered_object as get_registered_object
from phasewise.core.describing import serialize_keras_object as serialize_keras_object
from phasewise.core.restoring import deserialize_keras_object as deserialize_keras_object
from phasewise.files.file_error import FileError as FileError
from phasewise.saving.file_editor import KerasFileEditor as KerasFileEditor
from phasewise.saving.functions import load_weights as load_weights
from phasewise.saving.functions import save_model as save_model
from phasewise.saving.functions import save_weights as save_weights
from phasewise.saving.loading import load_model as load_model
from phasewise.saving.named_weights import weights_from_dict as weights_from_dict
from phasewise.saving.named_weights import weights_to_dict as weights_to_dict
from phasewise.saving.to_torch import TorchState as TorchState
from phasewise.saving.to_torch import save_torch_weights as save_torch_weights
from phasewise.saving.to_torch import weights_to_torch as weights_to_torch
from phasewise.saving.torch_weights import load_torch_weights as load_torch_weights

public.finish(__name__)
