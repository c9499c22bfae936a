"""What Keras keeps under `keras.utils`. Each name stands in the room that it belongs to, or in a file here."""

from phasewise.core.custom_objects import CustomObjectScope as CustomObjectScope
from phasewise.core.custom_objects import custom_object_scope as custom_object_scope
from phasewise.core.custom_objects import get_custom_objects as get_custom_objects
from phasewise.core.custom_objects import register_keras_serializable as register_keras_serializable
from phasewise.core.random import set_random_seed as set_random_seed
from phasewise.data.py_dataset import PyDataset as PyDataset
from phasewise.data.py_dataset import Sequence as Sequence
from phasewise.graph.sources import get_source_inputs as get_source_inputs
from phasewise.graph.sources import is_keras_tensor as is_keras_tensor
from phasewise.utils.batches import pack_x_y_sample_weight as pack_x_y_sample_weight
from phasewise.utils.batches import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from phasewise.utils.class_matrix import normalize as normalize
from phasewise.utils.class_matrix import to_categorical as to_categorical
from phasewise.utils.describing import deserialize_keras_object as deserialize_keras_object
from phasewise.utils.describing import get_registered_name as get_registered_name
from phasewise.utils.describing import get_registered_object as get_registered_object
from phasewise.utils.describing import serialize_keras_object as serialize_keras_object
from phasewise.utils.dtype_names import standardize_dtype as standardize_dtype
from phasewise.utils.interactive_logging import disable_interactive_logging as disable_interactive_logging
from phasewise.utils.interactive_logging import enable_interactive_logging as enable_interactive_logging
from phasewise.utils.interactive_logging import is_interactive_logging_enabled as is_interactive_logging_enabled
from phasewise.utils.progbar import Progbar as Progbar
from phasewise.utils.sequences import pad_sequences as pad_sequences
from phasewise.utils.sessions import clear_session as clear_session
from phasewise.utils.splitting import split_dataset as split_dataset
from phasewise.utils.windows import timeseries_dataset_from_array as timeseries_dataset_from_array
