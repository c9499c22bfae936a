"""Names of layers and the path of the layer that is being called."""

import collections
import contextlib
from contextvars import ContextVar

from phasewise.core import registry

_counts = collections.Counter()
_path = ContextVar("phasewise_path", default=())
_building = ContextVar("phasewise_building", default=False)


def unique_name(cls_name):
    """`dense`, then `dense_1`, `dense_2` …: a name for an object whose user gave none."""
    stem = registry.snake_case(cls_name).lstrip("_")
    number = _counts[stem]
    _counts[stem] += 1
    return stem if number == 0 else f"{stem}_{number}"


def reset():
    """Start counting again from the first name (Keras: `clear_session`)."""
    _counts.clear()


@contextlib.contextmanager
def path_part(name):
    """Inside the block, paths end in `name`."""
    token = _path.set((*_path.get(), name))
    try:
        yield
    finally:
        _path.reset(token)


def path():
    """The names from the outermost call to the present one, joined by "/"."""
    return "/".join(_path.get())


@contextlib.contextmanager
def building():
    """Inside the block, weights and layers are made."""
    token = _building.set(True)
    try:
        yield
    finally:
        _building.reset(token)


def is_called(name):
    """Whether a layer of this name is being called, and none is being built."""
    return name in _path.get() and not _building.get()
