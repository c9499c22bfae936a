"""The process-wide defaults that Keras keeps in `keras.config`: the float type, epsilon, where images have their channels, limits of a run."""

import itertools

import jax.numpy as jnp

from phasewise.core.registry import one_of
from phasewise.core.types import DTypeLike

FLOATS = ("float32", "bfloat16", "float16", "float64")
DATA_FORMATS = ("channels_last", "channels_first")

_values = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "max_epochs": None,
    "max_steps_per_epoch": None,
    "interactive_logging": True,
}
_changes = itertools.count(1)
_number = {"number": 0}


def number() -> int:
    """Another number after each change of what a traced program reads here."""
    return _number["number"]


def floatx() -> str:
    """Name of the floating dtype of what is made without one: weights, draws, arrays of whole numbers that a function takes for
    real ones."""
    return _values["floatx"]


def set_floatx(value: DTypeLike) -> None:
    """Set `floatx`, for what is made from now on. The default dtype policy follows, unless one was set.

    Args:
        value: "float32", "bfloat16", "float16" or "float64" (which JAX computes in only where `jax_enable_x64` is set).

    Raises:
        ValueError: it is none of these.
    """
    _number["number"] = next(_changes)
    _values["floatx"] = one_of(
        "set_floatx", "value", value if isinstance(value, str) else str(jnp.dtype(value)), FLOATS
    )


def epsilon() -> float:
    """The small number that keeps a quotient or a logarithm finite, 1e-7 unless it was set."""
    return _values["epsilon"]


def set_epsilon(value: float) -> None:
    """Set `epsilon`, for what is made or compiled from now on.

    Raises:
        ValueError: it is no positive number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"set_epsilon takes a positive number; got {value!r}.")
    _values["epsilon"], _number["number"] = float(value), next(_changes)


def image_data_format() -> str:
    """Where images have their channels when a layer or a function is not told: "channels_last" or "channels_first"."""
    return _values["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set `image_data_format`, for layers made and functions called from now on.

    Raises:
        ValueError: it is neither "channels_last" nor "channels_first".
    """
    _number["number"] = next(_changes)
    _values["image_data_format"] = one_of("set_image_data_format", "data_format", data_format, DATA_FORMATS)


def max_epochs() -> int | None:
    """The most epochs that any `fit` runs, or None."""
    return _values["max_epochs"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Let no `fit` run more epochs than this, whatever it is told: for trying out a script. None lifts the limit.

    Raises:
        ValueError: it is no positive integer.
    """
    _values["max_epochs"] = _limit("set_max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most steps of any epoch of `fit`, and of any `evaluate` or `predict`, or None."""
    return _values["max_steps_per_epoch"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Let no epoch of `fit`, and no `evaluate` or `predict`, run more steps than this. None lifts the limit.

    Raises:
        ValueError: it is no positive integer.
    """
    _values["max_steps_per_epoch"] = _limit("set_max_steps_per_epoch", max_steps_per_epoch)


def is_interactive_logging_enabled() -> bool:
    """Whether runs with verbose="auto" show their progress live, where they can."""
    return _values["interactive_logging"]


def set_interactive_logging(enabled: bool) -> None:
    """Set `is_interactive_logging_enabled`."""
    _values["interactive_logging"] = enabled


def _limit(owner, value):
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"{owner} takes a positive integer, or None for no limit; got {value!r}.")
    return value
