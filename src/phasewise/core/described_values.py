"""Values that JSON has no word for, as Keras describes them: bytes, slices, arrays."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.types import Config


def is_plain(value: Any) -> bool:
    """Whether JSON holds it as it is."""
    return value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, np.generic))


def described(value: Any) -> Any:
    """The description of a value that is no named object; None where it is something else."""
    if isinstance(value, bytes):
        return {"class_name": "__bytes__", "config": {"value": value.decode("utf-8")}}
    if isinstance(value, slice):
        ends = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": "__slice__", "config": {key: _number(end) for key, end in ends.items()}}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, np.ndarray | jax.Array):
        kind = "__numpy__" if isinstance(value, np.ndarray) else "__tensor__"
        return {"class_name": kind, "config": {"value": np.asarray(value).tolist(), "dtype": str(value.dtype)}}
    return None


def _number(end):
    return end.item() if isinstance(end, np.generic) else end


def is_description(spec: Any) -> bool:
    """Whether `spec` describes one of these values."""
    return isinstance(spec, Mapping) and spec.get("class_name") in _VALUES and "config" in spec


def restored(spec: Config, inner: Callable[[Any], Any]) -> Any:
    """The value that `described` described.

    Args:
        inner: restores what stands inside.

    Raises:
        ValueError: the description lacks something, or holds code.
    """
    try:
        return _VALUES[spec["class_name"]](spec["config"], inner)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"A config describes a value as {spec!r}, which is not how Keras writes one.") from error


def _refused(config, inner):
    raise ValueError(
        "The config holds the code of a lambda, which is never run, whatever safe_mode says. Define a function with a name, and "
        "register it with phasewise.utils.register_keras_serializable."
    )


_VALUES = {
    "__bytes__": lambda config, inner: config["value"].encode("utf-8"),
    "__ellipsis__": lambda config, inner: Ellipsis,
    "__lambda__": _refused,
    "__numpy__": lambda config, inner: np.array(config["value"], jnp.dtype(config["dtype"])),
    "__slice__": lambda config, inner: slice(*(inner(config[part]) for part in ("start", "stop", "step"))),
    "__tensor__": lambda config, inner: jnp.array(config["value"], config["dtype"]),
    "__tuple__": lambda config, inner: tuple(inner(config["value"])),
}
