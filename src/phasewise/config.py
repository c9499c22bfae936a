"""What Keras keeps under `keras.config`: defaults of the process, and what a run shows. No file of settings is read."""

import jax

from phasewise.backend import backend as backend
from phasewise.core import defaults
from phasewise.core.defaults import epsilon as epsilon
from phasewise.core.defaults import floatx as floatx
from phasewise.core.defaults import image_data_format as image_data_format
from phasewise.core.defaults import is_interactive_logging_enabled as is_interactive_logging_enabled
from phasewise.core.defaults import max_epochs as max_epochs
from phasewise.core.defaults import max_steps_per_epoch as max_steps_per_epoch
from phasewise.core.defaults import set_epsilon as set_epsilon
from phasewise.core.defaults import set_floatx as set_floatx
from phasewise.core.defaults import set_image_data_format as set_image_data_format
from phasewise.core.defaults import set_max_epochs as set_max_epochs
from phasewise.core.defaults import set_max_steps_per_epoch as set_max_steps_per_epoch
from phasewise.core.precision import dtype_policy as dtype_policy
from phasewise.core.precision import set_dtype_policy as set_dtype_policy
from phasewise.core.warning import PhasewiseWarning, warn

__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]

_flash = {"enabled": None}


def set_backend(backend: str) -> None:
    """Nothing, if `backend` is "jax".

    Raises:
        ValueError: it is another one.
    """
    if backend != "jax":
        raise ValueError(
            f"phasewise runs on JAX alone; got backend={backend!r}. Leave out set_backend, or give it 'jax'."
        )


def enable_interactive_logging() -> None:
    """Runs with verbose="auto" show their progress live, where they can: the default."""
    defaults.set_interactive_logging(True)


def disable_interactive_logging() -> None:
    """Runs with verbose="auto" print a line an epoch, also in a terminal or notebook, as for a log."""
    defaults.set_interactive_logging(False)


def enable_traceback_filtering() -> None:
    """Tracebacks leave out what lies inside of JAX: the default. (Ours are short, and nothing of them is left out.)"""
    jax.config.update("jax_traceback_filtering", "auto")


def disable_traceback_filtering() -> None:
    """Tracebacks show what lies inside of JAX, too."""
    jax.config.update("jax_traceback_filtering", "off")


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks leave out what lies inside of JAX."""
    return jax.config.jax_traceback_filtering != "off"


def enable_flash_attention() -> None:
    """Accepted for Keras's sake: XLA decides how attention is computed."""
    _flash["enabled"] = None


def disable_flash_attention() -> None:
    """Accepted for Keras's sake: XLA decides how attention is computed."""
    _flash["enabled"] = False


def is_flash_attention_enabled() -> bool | None:
    """What was asked for last: False, or None, as in Keras, for no wish."""
    return _flash["enabled"]


def is_nnx_enabled() -> bool:
    """False: there are no Flax NNX variables here."""
    return False


def enable_unsafe_deserialization() -> None:
    """Warns: opening a file never runs code from it, and nothing can make it do so."""
    warn(
        "enable_unsafe_deserialization has no effect: opening a file never runs code from it. Make what a file names known by "
        "custom_objects, or register it.",
        PhasewiseWarning,
    )
