"""Names of layers, and the path of the layer that is being called."""

import collections
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from phasewise.core import registry

_counts, _asked = collections.Counter(), collections.Counter()
_path = ContextVar("phasewise_path", default=())
_building = ContextVar("phasewise_building", default=False)


def unique_name(cls_name):
    """`dense`, then `dense_1`, `dense_2` …: a name for an object whose user gave none."""
    stem = registry.snake_case(cls_name).lstrip("_")
    number = _counts[stem]
    _counts[stem] += 1
    return stem if number == 0 else f"{stem}_{number}"


def distinct(names, taken=None):
    """The names, a number behind each that is taken: `mse`, `mse_1` … `taken`, a set, grows by them."""
    taken, found = set() if taken is None else taken, []
    for name in names:
        number, new = 0, name
        while new in taken:
            number += 1
            new = f"{name}_{number}"
        taken.add(new)
        found.append(new)
    return found


def get_uid(prefix: str = "") -> int:
    """How often this prefix has been asked for: 1, 2, 3 …"""
    _asked[prefix] += 1
    return _asked[prefix]


def reset():
    """Start counting again from the first name (Keras: `clear_session`)."""
    _counts.clear()
    _asked.clear()


@contextlib.contextmanager
def name_scope(name: str, **kwargs: Any) -> Iterator[None]:
    """Accepted for Keras's sake: the paths of variables are made of the names of layers alone.

    Args:
        name: str.

    Raises:
        ValueError: it is no name.
    """
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"A name is a string that is not empty and has no '/'; got {name!r}.")
    yield


@contextlib.contextmanager
def path_part(name, owner=None):
    """Inside the block, paths end in `name`; `owner` is the layer that bears it. One that is built by its own call stands in them once."""
    known = _path.get()
    is_there = owner is not None and known and known[-1][1] is owner
    token = _path.set(known if is_there else (*known, (name, owner)))
    try:
        yield
    finally:
        _path.reset(token)


def path():
    """The names from the outermost call to the present one, joined by "/"."""
    return "/".join(name for name, _ in _path.get())


def is_calling():
    """Whether a layer is being called."""
    return bool(_path.get())


def callers():
    """The layers that are being called, the outermost first."""
    return [owner for _, owner in _path.get() if owner is not None]


@contextlib.contextmanager
def building():
    """Inside the block, weights and layers are made."""
    token = _building.set(True)
    try:
        yield
    finally:
        _building.reset(token)


def is_called(layer):
    """Whether this layer is being called, and none is being built."""
    return not _building.get() and any(owner is layer for _, owner in _path.get())
