"""Entries: the classes and functions that a string in an argument or a config can mean, by kind.

Every family that Keras lets people name by a string ("relu", "adam", "mse") registers here under a `kind`. A lookup
that fails names the nearest match. Nothing is ever imported or executed because a file says so: a config can only
name what was registered by code that already ran.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from phasewise.core import custom_objects

T = TypeVar("T")

_ENTRIES = {}
_CANONICAL = {}


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
    if has(kind, name):
        return _ENTRIES[kind][name]
    if name in custom_objects.get_custom_objects():
        return custom_objects.noted(name, custom_objects.get_custom_objects()[name], is_string=True)
    names = _ENTRIES.get(kind, {})
    known = sorted({n for n in names if n == n.lower()} or names)
    hint = did_you_mean(name, names) or f" Known: {', '.join(known)}; or pass an object or a function."
    raise ValueError(f"Unknown {kind} {name!r}.{hint}")


def nearest(name: Any, candidates: Iterable[Any]) -> Any:
    """The candidate closest in spelling to `name`, or None when nothing is close; of two that differ in case only, the
    one that is in lower case if `name` is. To a name of two letters the only one is near that has one of them in its place, or both swapped.
    """
    lowered = {}
    for candidate in sorted(candidates, key=lambda each: str(each).islower() != str(name).islower()):
        lowered.setdefault(str(candidate).lower(), candidate)
    close = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    if not close and len(str(name)) == 2:
        close = _near_two_letters(str(name).lower(), lowered)
    return lowered[close[0]] if close else None


def _near_two_letters(name, candidates):
    """The one candidate, if it is one, for a name of two letters: it has these swapped, or the first in its place, or the second."""
    short = [each for each in candidates if len(each) == 2]
    swapped = [each for each in short if each == name[::-1]]
    of_the_first, of_the_second = ([each for each in short if each[place] == name[place]] for place in (0, 1))
    near = swapped or of_the_first or of_the_second
    return near if len(near) == 1 else []


def did_you_mean(name: Any, candidates: Iterable[Any]) -> str:
    """The end of a message about a `name` that is none of the candidates: the nearest of them, or nothing."""
    near = nearest(name, candidates)
    return f" Did you mean {near!r}?" if near else ""
