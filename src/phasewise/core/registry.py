"""Names and classes: how a string, a config or an object in a user's hand becomes the thing it names.

Every family that Keras lets people name by a string ("relu", "adam", "mse") registers here under a `kind`. A lookup
that fails names the nearest match. Nothing is ever imported or executed because a file says so: a config can only
name what was registered by code that already ran.
"""

import difflib
import inspect
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Self, TypeVar

from phasewise.core import custom_objects
from phasewise.core.custom_objects import register_serializable as register_serializable
from phasewise.core.types import Config

T = TypeVar("T")

_ENTRIES = {}
_CANONICAL = {}
_OWN = (
    "keras",
    "phasewise",
    "builtins",
)  # where names mean what is registered here; Keras writes "builtins" for functions


def snake_case(name: str) -> str:
    """`BinaryCrossentropy` -> `binary_crossentropy`, `ReLU` -> `re_lu`, `Conv2DTranspose` -> `conv2d_transpose`."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"(\d)_D(?=_|$)", r"\1D", name).lower()  # a number of axes is one word


def register(kind: str, *aliases: str) -> Callable[[T], T]:
    """Decorator: the class or function is found in `kind` by its own name, the aliases and its snake_case form, which
    yields to a function of that very name (`binary_crossentropy` is the function, not the class)."""

    def enter(item):
        table = _ENTRIES.setdefault(kind, {})
        for name in (item.__name__, *aliases):
            table[name] = item
        table.setdefault(snake_case(item.__name__), item)
        _CANONICAL[item] = (kind, item.__name__)
        return item

    return enter


def members(kind: str) -> list[Callable[..., Any]]:
    """The distinct classes and functions registered under `kind`, in order of registration."""
    return list(dict.fromkeys(_ENTRIES.get(kind, {}).values()))


def canonical_name(item: Any) -> str | None:
    """The name that `find` takes back to `item`; None when it was never registered."""
    return custom_objects.full_name(item) or _CANONICAL.get(item, (None, None))[1]


def kind_of(item: Any) -> str | None:
    """The kind that a class or function of phasewise's own is registered under, else None."""
    return _CANONICAL.get(item, (None, None))[0]


def kinds() -> list[str]:
    """Every kind that something is registered under."""
    return list(_ENTRIES)


def has(kind: str, name: str) -> bool:
    """Whether something of phasewise's own is called `name` in `kind`."""
    return name in _ENTRIES.get(kind, {})


def find(kind: str, name: str) -> Callable[..., Any]:
    """The class or function called `name` in `kind`, or a user's registered one.

    Raises:
        ValueError: nothing has that name; the message gives the nearest names.
    """
    scoped = custom_objects.in_scope(name)
    if scoped is not None:
        return scoped
    for table in (_ENTRIES.get(kind, {}), custom_objects.get_custom_objects()):
        if name in table:
            return table[name]
    names = _ENTRIES.get(kind, {})
    known = sorted({n for n in names if n == n.lower()} or names)
    hint = did_you_mean(name, names) or f" Known: {', '.join(known)}; or pass an object or a function."
    raise ValueError(f"Unknown {kind} {name!r}.{hint}")


def nearest(name: Any, candidates: Iterable[Any]) -> Any:
    """The candidate closest in spelling to `name`, or None when nothing is close; of two that differ in case only, the
    one that is in lower case if `name` is."""
    lowered = {}
    for candidate in sorted(candidates, key=lambda each: str(each).islower() != str(name).islower()):
        lowered.setdefault(str(candidate).lower(), candidate)
    close = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def did_you_mean(name: Any, candidates: Iterable[Any]) -> str:
    """The end of a message about a `name` that is none of the candidates: the nearest of them, or nothing."""
    near = nearest(name, candidates)
    return f" Did you mean {near!r}?" if near else ""


def one_of(owner: str, argument: str, value: T, known: Collection[T]) -> T:
    """`value` when it is one of the `known` words.

    Raises:
        ValueError: it is not; the message names the nearest.
    """
    if value in known:
        return value
    hint = did_you_mean(value, [word for word in known if word])
    raise ValueError(f"{owner}'s {argument} is one of {', '.join(map(repr, known))}; got {value!r}.{hint}")


def near_names(module_name: str) -> Callable[[str], Any]:
    """The `__getattr__` of a public module: a name that it does not have is refused with the nearest that it has.

    The names are `__all__`, or what `dir` lists and is no module, at the time of the miss. A name that begins with an
    underscore has no near one: importing, copying and pickling ask for many such.

    Args:
        module_name: the name under which people import the module.
    """

    def __getattr__(name):
        if name.startswith("_"):
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}", name=name)
        module = sys.modules.get(module_name)
        names = getattr(module, "__all__", None) or [
            each for each in dir(module) if each[0] != "_" and not inspect.ismodule(vars(module).get(each))
        ]
        # With `name` set, Python adds no suggestion of its own to the message.
        raise AttributeError(f"{module_name} has no {name!r}.{did_you_mean(name, names)}", name=name)

    return __getattr__


def resolve(kind: str, identifier: Any, **defaults: Any) -> Any:
    """What the user passed for an argument of this `kind`, as an object.

    None stays None; a string is looked up (a class is instantiated with `defaults`, a function returned); a
    `{"class_name", "config"}` dict is rebuilt; a class is instantiated; any other callable is returned as it is.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        found = find(kind, identifier)
        return found(**defaults) if inspect.isclass(found) else found
    if isinstance(identifier, Mapping):
        return deserialize(kind, identifier)
    if inspect.isclass(identifier):
        return identifier(**defaults)
    if callable(identifier) or hasattr(identifier, "get_config"):
        return identifier
    raise ValueError(
        f"Could not interpret {identifier!r} as {kind}: give a name, a config dict, an object or a function."
    )


def serialize(item: Any) -> Any:
    """A JSON-ready description: None, a name for a registered function, or `{"class_name", "config"}`, which Keras reads too."""
    if item is None or isinstance(item, str | int | float | bool):
        return item
    if isinstance(item, Mapping) and not hasattr(item, "get_config"):
        return dict(item)
    if hasattr(item, "get_config"):
        cls = type(item)
        name = canonical_name(cls) or cls.__name__
        described = {"class_name": name, "config": item.get_config()}
        if not cls.__module__.startswith("phasewise."):
            return {"module": None, "registered_name": name, **described, "class_name": cls.__name__}
        # Where Keras looks for a layer inside of another: without it, it takes the class for one of the user's.
        return (
            {"module": "keras.layers", "registered_name": None, **described} if kind_of(cls) == "layer" else described
        )
    name = canonical_name(item)
    if name is not None:
        return name
    return getattr(item, "__name__", repr(item))


def deserialize(kind: str, spec: Any) -> Any:
    """The inverse of `serialize`.

    Raises:
        ValueError: the dict has no `class_name`, or nothing registered bears that name.
    """
    if not isinstance(spec, Mapping):
        return resolve(kind, spec)
    if "class_name" not in spec:
        raise ValueError(f"A {kind} config needs 'class_name' and 'config'; got the keys {sorted(map(str, spec))}.")
    if spec["class_name"] == "function":
        return find(kind, spec["config"])
    cls = _class_of(kind, spec["class_name"], spec)
    config = spec.get("config") or {}
    return cls.from_config(config) if hasattr(cls, "from_config") else cls(**config)


def is_own(spec: Mapping) -> bool:
    """Whether the name in a config can mean a class of phasewise's own: one of a user's may be called alike."""
    return str(spec.get("module", "phasewise")).split(".")[0] in _OWN


def _class_of(kind, name, spec):
    full = spec.get("registered_name") or name
    # Another program may have registered it otherwise, or not at all: then a scope says what its class is.
    scoped = custom_objects.in_scope(name)
    if scoped is not None or is_own(spec):
        return scoped or find(kind, full)
    registered = custom_objects.get_custom_objects()
    found = custom_objects.in_scope(full) or registered.get(full) or registered.get(name)
    if found is None:
        raise ValueError(
            f"The config speaks of a {kind} {full!r} of a user's, which is not registered here. Run the code that defines it, with "
            f"phasewise.utils.register_keras_serializable before it, or put phasewise.utils.custom_object_scope({{{name!r}: it}}) around."
        )
    return found


class Configurable:
    """Described by the arguments of its constructor, each of which it keeps under the argument's name."""

    def get_config(self) -> Config:
        """The constructor's arguments; a class that keeps one under another name adds it."""
        return {name: getattr(self, name) for name in _arguments(type(self)) if hasattr(self, name)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The object that `get_config` described."""
        return cls(**config)


def _arguments(cls):
    """The names that the constructor of `cls` takes, with its parent's where it passes `**kwargs` on."""
    if cls is object:
        return []
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    passes_on = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return list(dict.fromkeys([*named, *(_arguments(cls.__mro__[1]) if passes_on else [])]))
