"""What Keras keeps under `keras.utils`. Each name stands in the room that it belongs to, or in a file here."""

from phasewise.backend import clear_session as clear_session
from phasewise.config import disable_interactive_logging as disable_interactive_logging
from phasewise.config import enable_interactive_logging as enable_interactive_logging
from phasewise.config import is_interactive_logging_enabled as is_interactive_logging_enabled
from phasewise.core import public
from phasewise.core.custom_objects import CustomObjectScope as CustomObjectScope
from phasewise.core.custom_objects import custom_object_scope as custom_object_scope
from phasewise.core.custom_objects import get_custom_objects as get_custom_objects
from phasewise.core.custom_objects import register_keras_serializable as register_keras_serializable
from phasewise.core.describing import get_registered_name as get_registered_name
from phasewise.core.describing import get_registered_object as get_registered_object
from phasewise.core.describing import serialize_keras_object as serialize_keras_object
from phasewise.core.dtypes import standardize_dtype as standardize_dtype
from phasewise.core.random import set_random_seed as set_random_seed
from phasewise.core.restoring import deserialize_keras_object as deserialize_keras_object
from phasewise.data.py_dataset import PyDataset as PyDataset
from phasewise.data.py_dataset import Sequence as Sequence
from phasewise.graph.sources import get_source_inputs as get_source_inputs
from phasewise.graph.sources import is_keras_tensor as is_keras_tensor
from phasewise.models.picture import model_to_dot as model_to_dot
from phasewise.models.picture import plot_model as plot_model
from phasewise.utils import bounding_boxes as bounding_boxes
from phasewise.utils.audio_folders import audio_dataset_from_directory as audio_dataset_from_directory
from phasewise.utils.batches import pack_x_y_sample_weight as pack_x_y_sample_weight
from phasewise.utils.batches import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from phasewise.utils.cached_file import get_file as get_file
from phasewise.utils.class_matrix import normalize as normalize
from phasewise.utils.class_matrix import to_categorical as to_categorical
from phasewise.utils.feature_space import FeatureSpace as FeatureSpace
from phasewise.utils.image_folders import image_dataset_from_directory as image_dataset_from_directory
from phasewise.utils.named_values import Config as Config
from phasewise.utils.pillow import array_to_img as array_to_img
from phasewise.utils.pillow import img_to_array as img_to_array
from phasewise.utils.pillow import load_img as load_img
from phasewise.utils.pillow import save_img as save_img
from phasewise.utils.progbar import Progbar as Progbar
from phasewise.utils.sequences import pad_sequences as pad_sequences
from phasewise.utils.splitting import split_dataset as split_dataset
from phasewise.utils.text_folders import text_dataset_from_directory as text_dataset_from_directory
from phasewise.utils.windows import timeseries_dataset_from_array as timeseries_dataset_from_array

public.finish(bounding_boxes.__name__)
public.finish(__name__)
