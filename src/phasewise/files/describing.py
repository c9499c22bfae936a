"""Objects as dicts that JSON can hold, and back: Keras's `serialize_keras_object` and `deserialize_keras_object`.

A name in a dict is looked up among what code that already ran has registered. Nothing is imported and no code is run because a dict
says so: its `module` only tells in which family of phasewise's own a name is meant.
"""

import contextlib
import inspect
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import custom_objects as custom
from phasewise.core import registry

FAMILIES = {
    "activation": "keras.activations",
    "constraint": "keras.constraints",
    "initializer": "keras.initializers",
    "layer": "keras.layers",
    "loss": "keras.losses",
    "metric": "keras.metrics",
    "optimizer": "keras.optimizers",
    "regularizer": "keras.regularizers",
    "schedule": "keras.optimizers.schedules",
}


def serialize_keras_object(obj: Any) -> Any:
    """A description of `obj` that JSON can hold, as Keras writes it.

    Args:
        obj: an object with `get_config`, a named function, an array, a slice, bytes, a plain value, or a list, tuple or dict of them.

    Returns:
        Plain values as they are; else a dict with "module", "class_name", "config" and "registered_name".

    Raises:
        ValueError: a lambda, whose code Keras would write down, or an object without `get_config`.
    """
    if obj is None or isinstance(obj, bool | int | float | str):
        return obj.item() if isinstance(obj, np.generic) else obj
    if isinstance(obj, list | tuple):
        parts = [serialize_keras_object(each) for each in obj]
        return tuple(parts) if isinstance(obj, tuple) else parts
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    plain = _of_value(obj)
    return plain if plain is not None else _of_named(obj)


def _of_value(obj):
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        parts = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize_keras_object(parts)}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, np.ndarray | jax.Array):
        kind = "__numpy__" if isinstance(obj, np.ndarray) else "__tensor__"
        return {"class_name": kind, "config": {"value": np.asarray(obj).tolist(), "dtype": str(obj.dtype)}}
    return None


def _of_named(obj):
    is_function = inspect.isfunction(obj) or not hasattr(obj, "get_config")
    if is_function and not hasattr(obj, "__name__"):
        raise ValueError(
            f"An object of the class {type(obj).__name__} cannot be described: it has no get_config. Give the class one that returns "
            "the arguments of its constructor."
        )
    if is_function and obj.__name__ == "<lambda>":
        raise ValueError(
            "A lambda cannot be described: it has no name, and code is never written into a config. Define a function with a name and "
            "register it with phasewise.utils.register_keras_serializable."
        )
    named = obj if is_function else type(obj)
    name, kind = registry.canonical_name(named) or named.__name__, registry.kind_of(named)
    is_own = kind in FAMILIES and custom.full_name(named) is None
    described = {
        "module": FAMILIES[kind] if is_own else None if named.__module__ == "__main__" else named.__module__,
        "class_name": "function" if is_function else named.__name__,
        "config": name if is_function else serialize_keras_object(obj.get_config()),
        "registered_name": None if is_own and not is_function else name,
    }
    return described


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """What `serialize_keras_object` described, of ours or of Keras's making.

    Args:
        config: the description.
        custom_objects: dict of name -> class or function, for names that are not registered; they come first.
        safe_mode: accepted for Keras's sake; code is never taken from a config, whatever it says.

    Raises:
        ValueError: a name that nothing registered bears (the message gives the nearest), a lambda, or a dict without a config.
    """
    given = custom_objects or kwargs.pop("module_objects", None)
    with custom.custom_object_scope(given) if given else contextlib.nullcontext():
        return _restored(config)


def _restored(config):
    if isinstance(config, list | tuple):
        return type(config)(_restored(each) for each in config)
    if isinstance(config, str):
        found = custom.in_scope(config)
        return config if found is None else found
    if not isinstance(config, Mapping):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: _restored(value) for key, value in config.items()}
    name, inner = config["class_name"], config["config"]
    if isinstance(name, str) and name.startswith("__") and name in _VALUES:
        return _VALUES[name](inner)
    if name == "function":
        return _named(config, config.get("registered_name") or inner, inner)
    cls = _named(config, config.get("registered_name") or name, name)
    return _made(cls, name, inner)


def _made(cls, name, inner):
    if not inspect.isclass(cls):
        raise ValueError(f"{name!r} is described as a class with a config, but that name means {cls!r}.")
    inner = inner or {}
    return cls.from_config(dict(inner)) if hasattr(cls, "from_config") else cls(**_restored(inner))


def _named(config, name, short):
    """The class or function of a description."""
    for each in (name, short):
        if custom.in_scope(each) is not None:
            return custom.in_scope(each)
    for each in (name, short) if not _is_of_keras(config) else ():
        if each in custom.get_custom_objects():
            return custom.get_custom_objects()[each]
    kinds = [k for k, module in FAMILIES.items() if module == config.get("module")] or registry.kinds()
    kinds = kinds if registry.is_own(config) else []
    for kind in kinds:
        if registry.has(kind, short):
            return registry.find(kind, short)
    known = [each.__name__ for kind in kinds for each in registry.members(kind)] + list(custom.get_custom_objects())
    raise ValueError(
        f"The config speaks of {name!r}, which is nothing that is registered here.{registry.did_you_mean(short, known)} If it is "
        "a class or function of yours, run the code that defines it, with phasewise.utils.register_keras_serializable before it, or "
        "pass custom_objects={name: it}; nothing is imported because a config says so."
    )


def _is_of_keras(config):
    return str(config.get("module") or "").split(".")[0] == "keras"


def _refused(inner):
    raise ValueError(
        "The config holds the code of a lambda, which is never run. Define a function with a name, and register it with "
        "phasewise.utils.register_keras_serializable."
    )


_VALUES = {
    "__bytes__": lambda inner: inner["value"].encode("utf-8"),
    "__ellipsis__": lambda inner: Ellipsis,
    "__lambda__": _refused,
    "__numpy__": lambda inner: np.array(inner["value"], inner["dtype"]),
    "__slice__": lambda inner: slice(*(_restored(inner[part]) for part in ("start", "stop", "step"))),
    "__tensor__": lambda inner: jnp.array(inner["value"], inner["dtype"]),
    "__tuple__": lambda inner: tuple(_restored(inner["value"])),
}


def get_registered_name(obj: Any) -> str:
    """`package>name` of a class or function that was registered, else its own name."""
    return custom.full_name(obj) or registry.canonical_name(obj) or obj.__name__


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """The class or function that is called `name`, or None.

    Args:
        name: looked up in the scope in force, among what is registered, in `custom_objects` and in `module_objects`, in this order.
    """
    if custom.in_scope(name) is not None:
        return custom.in_scope(name)
    for table in (custom.get_custom_objects(), custom_objects or {}, module_objects or {}):
        if name in table:
            return table[name]
    return None
