"""What configs describe, made again, in Keras's form or ours.

A name in a config is looked up among what code that already ran has registered. Nothing is imported and no code is run because a
config says so: its `module` only tells in which family of phasewise's own a name is meant.
"""

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from phasewise.core import custom_objects as custom
from phasewise.core import described_values, entries, keras_names
from phasewise.core.newer_config import made_of_what_is_known
from phasewise.core.types import Config

DEEPEST = 200  # lists and dicts in one another: some forty models, each inside the next

_ALSO = {"activation": ("layer",)}
"""What can stand for a thing of another kind: `Dense(activation=ReLU())`."""

_opening = ContextVar("phasewise_opening", default=False)
_inside = ContextVar("phasewise_inside", default=False)  # of something that is made, and builds what it consists of


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """What `serialize_keras_object` described, of ours or of Keras's making.

    Args:
        config: the description.
        custom_objects: dict of name -> class or function, for names that are not registered; they come first.
        safe_mode: accepted for Keras's sake; code is never taken from a config, whatever it says.

    Raises:
        ValueError: a name that nothing registered bears (the message gives the nearest), a lambda, a dict without a config, or one
            that is nested too deep.
    """
    with scope_of(custom_objects or kwargs.pop("module_objects", None)), opening(config):
        return _restored(config)


def deserialize(kind: str, spec: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """What `serialize` described, where an object of this `kind` is meant; names of `custom_objects` come first.

    Raises:
        ValueError: the dict has no `class_name`, or nothing registered under this kind bears that name.
    """
    if spec is None or (not isinstance(spec, Mapping | str) and (callable(spec) or hasattr(spec, "get_config"))):
        return spec
    if not isinstance(spec, Mapping | str):
        raise ValueError(
            f"Could not interpret {spec!r} as {kind}: give a name, a config dict, an object or a function."
        )
    with scope_of(custom_objects), opening(spec):
        if isinstance(spec, str):
            found = entries.find(kind, spec)
            return found() if inspect.isclass(found) else found
        if "class_name" not in spec:
            raise ValueError(f"A {kind} config needs 'class_name' and 'config'; got the keys {sorted(map(str, spec))}.")
        if described_values.is_description(spec):
            return described_values.restored(spec, _restored)
        if spec["class_name"] == "function":
            return _function_of(spec, kind)
        return made(kind, spec)


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
    if described_values.is_description(config):
        return described_values.restored(config, _restored)
    if config["class_name"] == "function":
        return _function_of(config)
    return made(None, config)


def made(kind: str | None, spec: Config) -> Any:
    """The object that `spec` describes, of a class of this kind, or of any.

    Raises:
        ValueError: nothing that is registered bears the name, or its config is none that the class can be made from; the message names
            both.
    """
    name, inner = spec["class_name"], spec.get("config")
    inner = {} if inner is None else inner
    if not isinstance(inner, Mapping):
        raise ValueError(f"The config of {name!r} is a dict; got {inner!r}.")
    with told_of(name, inner):
        cls = _class_of(kind, spec)
        if not inspect.isclass(cls):
            raise ValueError(f"{name!r} is described as a class with a config, but that name means {cls!r}.")
        is_inside = _inside.get()
        with inside():
            values = {key: _value(each) for key, each in inner.items()}
            if hasattr(cls, "from_config"):
                obj = made_of_what_is_known(cls, values, cls.from_config)
            else:
                obj = cls(**_restored(inner))
        if spec.get("build_config") and not getattr(obj, "built", True) and not (is_inside and _builds_as_ours(obj)):
            obj.build_from_config(spec["build_config"])
        if spec.get("compile_config") and hasattr(obj, "compile_from_config"):
            obj.compile_from_config(spec["compile_config"])
    return obj


def _builds_as_ours(obj):
    return obj.build_from_config.__func__.__module__.startswith("phasewise.")


def _value(each):
    """What `from_config` is given for an entry: arrays and the like; of objects it makes what it knows to be some itself."""
    return described_values.restored(each, _restored) if described_values.is_description(each) else each


def _class_of(kind, spec):
    found = class_meant(spec, kind)
    if found is None:
        raise ValueError(_unknown(kind, spec, *_names(spec)))
    return found


def class_meant(spec: Config, kind: str | None = None) -> Any:
    """The class that a config speaks of, of this kind or of any; None where nothing that is registered is meant."""
    full, name = _names(spec)
    for each in (full, name):
        if custom.in_scope(each) is not None:  # another program may have registered it otherwise, or not at all
            return custom.in_scope(each)
    if keras_names.is_own(spec) and ">" not in full:
        found = _own(kind, spec, name)
        if found is not None:
            return found
    return custom.registered(full, name, spec.get("module", custom.UNKNOWN))


def _names(spec):
    """(the name it is registered under, that of the class), as they are today."""
    name, full = keras_names.today(_text(spec, "class_name")), spec.get("registered_name")
    return full if isinstance(full, str) else name, name


def _own(kind, spec, name):
    meant = keras_names.kinds_in(spec.get("module"))
    if kind is None:
        kinds = meant or entries.kinds()
    else:
        kinds = [kind, *(each for each in meant if each.startswith(kind)), *_ALSO.get(kind, ())]
    for each in kinds:
        found = entries.find(each, name) if entries.has(each, name) else None
        if inspect.isclass(found):
            return found
    return None


def _function_of(config, kind=None):
    found = function_meant(config, kind)
    if found is None:
        name = _text(config, "config")
        raise ValueError(_unknown(kind, config, name, name))
    return found


def function_meant(config: Config, kind: str | None = None) -> Any:
    """The function that a config speaks of, of this kind or of any; None where nothing that is registered is meant.

    A function of a user's own is never taken for one of phasewise's that has the same name.
    """
    full = name = _text(config, "config")
    for each in (config.get("registered_name"), name):
        if isinstance(each, str) and custom.in_scope(each) is not None:
            return custom.in_scope(each)
        full = each if isinstance(each, str) and ">" in each else full
    found = custom.registered(full, name.rpartition(">")[2], config.get("module", custom.UNKNOWN))
    if found is not None:
        return found
    kinds = [kind] if kind else keras_names.kinds_in(config.get("module")) or entries.kinds()
    for each in kinds if keras_names.is_own(config) else ():
        if entries.has(each, name):
            return entries.find(each, name)
    return None


def _unknown(kind, config, full, name):
    kinds = [kind] if kind else keras_names.kinds_in(config.get("module")) or entries.kinds()
    known = {*(each.__name__ for k in kinds for each in entries.members(k)), *custom.get_custom_objects()} - {name}
    is_own = kind is not None and keras_names.is_own(config)
    what = (
        f"Unknown {kind} {name!r}"
        if is_own
        else f"The config speaks of {full!r}, which is nothing that is registered here"
    )
    short = name.rpartition(">")[2]
    return (
        f"{what}."
        f"{_namesake(config, short) or entries.did_you_mean(name, known)} If it is a class or function of yours, run the code that defines it, with "
        f"phasewise.utils.register_keras_serializable before it, or pass custom_objects={{{short!r}: it}} (or put "
        "phasewise.utils.custom_object_scope around); nothing is imported because a config says so."
    )


def _namesake(config, name):
    """What is said of something registered under this name that is another."""
    other = custom.get_custom_objects().get(name)
    if other is None:
        return ""
    module = config.get("module", custom.UNKNOWN) or "__main__"
    this = "another by its package" if module == custom.UNKNOWN else f"of {module!r}"
    return (
        f" What is registered as {custom.full_name(other)!r} is of the module {other.__module__!r}, and this was {this}: it is "
        f"taken only where custom_objects={{{name!r}: it}} says that it is meant."
    )


def _text(spec, key):
    if not isinstance(spec.get(key), str):
        raise ValueError(f"A config's {key!r} is a name; got {spec.get(key)!r}.")
    return spec[key]


# -- what an attempt at opening is


def scope_of(custom_objects: Mapping[str, Any] | None) -> contextlib.AbstractContextManager:
    """The scope in which these names are known; None for none."""
    return custom.custom_object_scope(custom_objects) if custom_objects else contextlib.nullcontext()


@contextlib.contextmanager
def opening(config: Any) -> Iterator[None]:
    """Around the making of what a config describes: the outermost sees to it that the config is not nested too deep.

    Raises:
        ValueError: it is.
    """
    if _opening.get():
        yield
        return
    _refuse_depth(config)
    token = _opening.set(True)
    try:
        yield
    except RecursionError:
        raise ValueError("The config describes layers inside of layers, deeper than Python can go.") from None
    finally:
        _opening.reset(token)


@contextlib.contextmanager
def inside() -> Iterator[None]:
    """Around the making of parts: they are built by what they are parts of, from its own shapes, not each from its `build_config`."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def _refuse_depth(config):
    ahead = [(config, 1)]
    while ahead:
        value, depth = ahead.pop()
        if depth > DEEPEST:
            raise ValueError(
                f"The config is nested more than {DEEPEST} lists and dicts deep: no model that was built is, so it is not made."
            )
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        ahead.extend((each, depth + 1) for each in inner if isinstance(each, Mapping | list | tuple))


@contextlib.contextmanager
def told_of(class_name: str, config: Mapping) -> Iterator[None]:
    """What goes wrong in the block is a ValueError that says of which object's config it was.

    Raises:
        ValueError: anything that is raised inside.
    """
    try:
        yield
    except RecursionError:
        raise
    except Exception as error:
        name = config.get("name")
        whose = f"{class_name} {name!r}" if isinstance(name, str) else class_name
        what = str(error) if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"The {whose} cannot be made from its config. {what}") from error
