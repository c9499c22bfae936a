"""Objects as dicts that JSON can hold, in Keras's form; `restoring` is the way back."""

import inspect
from collections.abc import Mapping
from typing import Any

from phasewise.core import custom_objects as custom
from phasewise.core import described_values, entries, keras_names


def serialize_keras_object(obj: Any) -> Any:
    """A description of `obj` that JSON can hold, as Keras writes it.

    Args:
        obj: an object with `get_config`, a named function, an array, a slice, bytes, a plain value, or a list, tuple or dict of them.

    Returns:
        Plain values as they are; else a dict with "module", "class_name", "config" and "registered_name".

    Raises:
        ValueError: a lambda, whose code Keras would write down, or an object without `get_config`.
    """
    if described_values.is_plain(obj):
        return obj
    if isinstance(obj, list | tuple):
        parts = [serialize_keras_object(each) for each in obj]
        return tuple(parts) if isinstance(obj, tuple) else parts
    if isinstance(obj, Mapping) and not hasattr(obj, "get_config"):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    value = described_values.described(obj)
    if value is not None:
        return value
    is_object = hasattr(obj, "get_config") and not inspect.isfunction(obj) and not inspect.isclass(obj)
    return _of_object(obj) if is_object else _of_function(obj)


def serialize(item: Any) -> Any:
    """As `serialize_keras_object`, for a value inside of another object's config: there a function of phasewise's own is its name."""
    if callable(item) and not hasattr(item, "get_config") and entries.kind_of(item) is not None:
        return entries.canonical_name(item)
    return serialize_keras_object(item)


def _of_object(obj):
    cls = type(obj)
    config = obj.get_config()
    if not isinstance(config, Mapping):
        raise TypeError(f"{cls.__name__}.get_config must return a dict; it returned {config!r}.")
    module, class_name, registered = _keras_name(obj, cls)
    described = {
        "module": module,
        "class_name": class_name,
        "config": {key: serialize_keras_object(value) for key, value in config.items()},
        "registered_name": registered,
    }
    for key in ("build_config", "compile_config"):
        more = getattr(obj, f"get_{key}", lambda: None)()
        if more is not None:
            described[key] = serialize_keras_object(more)
    return described


def _keras_name(obj, cls):
    """(module, class_name, registered_name)"""
    kind = entries.kind_of(cls) if custom.full_name(cls) is None else None
    if kind is None:
        module = None if cls.__module__ == "__main__" else cls.__module__
        return module, cls.__name__, entries.canonical_name(cls) or cls.__name__
    written = getattr(obj, "written_as", None) or keras_names.CLASSES.get(cls.__name__)
    return written or (keras_names.MODULES.get(kind, "phasewise"), cls.__name__, None)


def _of_function(obj):
    if not hasattr(obj, "__name__"):
        raise ValueError(
            f"An object of the class {type(obj).__name__} cannot be described: it has no get_config. Give the class one that returns "
            "the arguments of its constructor."
        )
    if obj.__name__ == "<lambda>":
        raise ValueError(
            "A lambda cannot be described: it has no name, and code is never written into a config. Define a function with a name and "
            "register it with phasewise.utils.register_keras_serializable."
        )
    name, kind = entries.canonical_name(obj) or obj.__name__, entries.kind_of(obj)
    is_own = kind in keras_names.MODULES and custom.full_name(obj) is None
    if is_own:  # as Keras writes it
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    module = None if obj.__module__ == "__main__" else obj.__module__
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def get_registered_name(obj: Any) -> str:
    """`package>name` of a class or function that was registered, else its own name."""
    return custom.full_name(obj) or entries.canonical_name(obj) or obj.__name__


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
