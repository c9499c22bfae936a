"""Configs of a newer Keras than is known: an argument that a class does not take is left out, and noted."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from phasewise.core import constructors
from phasewise.core.types import Config

_left_out = ContextVar("phasewise_left_out", default=None)


@contextlib.contextmanager
def leaving_out() -> Iterator[list[str]]:
    """In the block, objects are made without the arguments that their classes do not know; the list says which."""
    token = _left_out.set([])
    try:
        yield _left_out.get()
    finally:
        _left_out.reset(token)


def made_of_what_is_known(cls: type, values: Config, make: Callable[[Config], Any]) -> Any:
    """`make(values)`; where that fails inside of `leaving_out`, once more without what the constructor of `cls` does not take."""
    noted = _left_out.get()
    if noted is None:
        return make(values)
    try:
        return make(dict(values))
    except (ValueError, TypeError):
        taken = constructors.names(cls)
        strange = [name for name in values if name not in taken]
        if not strange:
            raise
        made = make({name: value for name, value in values.items() if name in taken})
        noted += [f"{cls.__name__} {values.get('name')!r} has {name}={values[name]!r}" for name in strange]
        return made
