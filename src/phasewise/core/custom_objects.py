"""Classes and functions of a user's own, by the names under which configs speak of them."""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
UNKNOWN = "builtins"  # where Keras says that every function is defined

_registered = {}  # by every name under which they are found
_names = {}  # of each, the full one
_notes = ContextVar("phasewise_names_alone", default=None)
_scoped = ContextVar("phasewise_custom_objects", default=None)


def register_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Decorator for a user's own class or function, found in files as `package>name` (Keras's
    `saving.register_keras_serializable`), and by `name` alone.

    Args:
        package: the first part of the name, a word for whose it is.
        name: the second part; by default the name of the class or function.

    Raises:
        TypeError: the decorator stands without parentheses.
        ValueError: a class without `get_config`, which could not be described.
    """
    if not isinstance(package, str):
        raise TypeError(
            f"register_keras_serializable takes the name of a package; got {package!r}. Write it with parentheses: "
            "@register_keras_serializable()."
        )

    def enter(item):
        if inspect.isclass(item) and not hasattr(item, "get_config"):
            raise ValueError(
                f"The class {item.__name__} has no get_config, so no file could describe it. Give it one that returns the arguments "
                "of its constructor."
            )
        full = f"{package}>{name or item.__name__}"
        _registered[full] = _registered[name or item.__name__] = item
        _names[item] = full
        return item

    return enter


@contextlib.contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Inside the block, names in configs, and names given for arguments, mean these classes and functions.

    They come before what is registered and, unlike in Keras, before what phasewise itself has under that name: what is said in so
    many words is not passed over. Scopes nest; other threads do not see them.

    Args:
        custom_objects: dict of name -> class or function.

    Raises:
        TypeError: it is no dict.
    """
    if not isinstance(custom_objects, Mapping):
        raise TypeError(
            f"custom_object_scope takes a dict of name -> class or function; got {type(custom_objects).__name__}."
        )
    token = _scoped.set({**(_scoped.get() or {}), **custom_objects})
    try:
        yield
    finally:
        _scoped.reset(token)


def get_custom_objects() -> dict[str, Any]:
    """The registered classes and functions by name: the dict itself, to which entries can be added. What a scope adds is not in it."""
    return _registered


def registered(full: str, name: str, module: Any) -> Any:
    """What is registered under these names, unless it is known to be another than what a config speaks of; None for nothing.

    The name of a class alone finds what is registered as `package>name` too. If the module in the config is another than that of what is
    found, then this was not what was described; nor was it if nobody says the module, and the package is another.

    Args:
        full: perhaps with the package.
        name: without it.
        module: where the thing was defined, by the config: None for what was run as a program, UNKNOWN where nobody says.
    """
    if ">" in full and full in _registered:
        return _registered[full]
    found = _registered.get(name)
    if found is None or full_name(found) in (None, full):
        return found
    if module == UNKNOWN:
        return None if ">" in full else noted(name, found)
    return found if module == (None if found.__module__ == "__main__" else found.__module__) else None


def noted(name: str, found: T, is_string: bool = False) -> T:
    """`found`, and that it was found by a name without a package; see `names_alone`."""
    if _notes.get() is not None and full_name(found) not in (None, name):
        notes, strings_too = _notes.get()
        if strings_too or not is_string:
            notes[name] = found
    return found


@contextlib.contextmanager
def names_alone(strings_too: bool = False) -> Iterator[dict[str, Any]]:
    """dict name -> what was found in the block by that name without a package, and may be another than what was described.

    Args:
        strings_too: whether names that stand for themselves count, as Keras 2 writes functions; else only descriptions.
    """
    notes = {}
    token = _notes.set((notes, strings_too))
    try:
        yield notes
    finally:
        _notes.reset(token)


def in_scope(name: str) -> Any:
    """What the scope in force calls `name`, or None."""
    scoped = _scoped.get()
    return scoped.get(name) if scoped else None


def full_name(item: Any) -> str | None:
    """`package>name` of a registered class or function, else None."""
    try:
        return _names.get(item)
    except TypeError:  # it cannot be hashed, so it was never registered
        return None


CustomObjectScope = custom_object_scope
register_keras_serializable = register_serializable
