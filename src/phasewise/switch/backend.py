"""What Keras keeps under `keras.backend`: the learning phase, the session, the float type."""

from phasewise.core import naming, precision
from phasewise.switch.phase import learning_phase as learning_phase
from phasewise.switch.phase import learning_phase_scope as learning_phase_scope
from phasewise.switch.phase import set_learning_phase as set_learning_phase


def clear_session() -> None:
    """Start counting layer names again."""
    naming.reset()


def floatx() -> str:
    """Name of the dtype of weights made from now on."""
    return precision.dtype_policy().variable_dtype


def backend() -> str:
    """The name of the one engine, "jax"."""
    return "jax"
