"""What Keras keeps under `keras.backend`: the learning phase, the session, defaults, questions about dtypes."""

import gc

from phasewise.core import naming
from phasewise.core.defaults import epsilon as epsilon
from phasewise.core.defaults import floatx as floatx
from phasewise.core.defaults import image_data_format as image_data_format
from phasewise.core.defaults import set_epsilon as set_epsilon
from phasewise.core.defaults import set_floatx as set_floatx
from phasewise.core.defaults import set_image_data_format as set_image_data_format
from phasewise.core.dtypes import is_float_dtype as is_float_dtype
from phasewise.core.dtypes import is_int_dtype as is_int_dtype
from phasewise.core.dtypes import result_type as result_type
from phasewise.core.dtypes import standardize_dtype as standardize_dtype
from phasewise.core.naming import get_uid as get_uid
from phasewise.graph.sources import is_keras_tensor as is_keras_tensor
from phasewise.switch.phase import learning_phase as learning_phase
from phasewise.switch.phase import learning_phase_scope as learning_phase_scope
from phasewise.switch.phase import set_learning_phase as set_learning_phase


def clear_session(free_memory: bool = True) -> None:
    """Start counting layer names again.

    Args:
        free_memory: whether Python looks for objects that nobody holds any more, so that models that were dropped give back their
            memory and programs.
    """
    naming.reset()
    if free_memory:
        gc.collect()


def backend() -> str:
    """The name of the one engine, "jax"."""
    return "jax"
