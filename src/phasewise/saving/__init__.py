"""What Keras keeps under `keras.saving`: models in files, and the names under which files speak of a user's own classes."""

from phasewise.core.custom_objects import CustomObjectScope as CustomObjectScope
from phasewise.core.custom_objects import custom_object_scope as custom_object_scope
from phasewise.core.custom_objects import get_custom_objects as get_custom_objects
from phasewise.core.custom_objects import register_keras_serializable as register_keras_serializable
from phasewise.core.describing import get_registered_name as get_registered_name
from phasewise.core.describing import get_registered_object as get_registered_object
from phasewise.core.describing import serialize_keras_object as serialize_keras_object
from phasewise.core.restoring import deserialize_keras_object as deserialize_keras_object
