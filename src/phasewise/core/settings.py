"""Plain attributes that traced code has read: `dropout.rate`, `loss.delta`, `regularizer.l2`.

A program has their values in it. What is assigned later to one that was read counts here, and the number of the present settings is
part of the key of every program: so a change takes effect at the next call, and settings that were there before find their program
again. An attribute that no traced code has read (what a callback keeps on the model) counts nothing.
"""

import contextlib
import itertools
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from phasewise.core.keywords import Told
from phasewise.core.naming import is_calling
from phasewise.core.overridable import Overridable
from phasewise.core.variable import in_scope

MOST_STATES = 4096

_PLAIN = (int, float, bool, str, bytes, complex, type(None))
_serials, _numbers, _tokens = itertools.count(1), itertools.count(1), itertools.count(1)
_settings = {}  # (serial of the object, name) -> what stands for the value that was assigned
_states = {}  # the settings at a time -> their number
_now = 0
_REMOVED = object()
_lock, _readings = threading.Lock(), 0


def number() -> int:
    """That of the present settings."""
    return _now


class Settings(Told):
    """An object whose public attributes traced code reads.

    A subclass lists in `_unread` those that have no effect on what a program computes. Attributes with an underscore, and what a
    layer's call or traced code itself assigns, do not count; nor do changes inside a list or dict.
    """

    _unread = frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        serial = vars(self).get("_serial")
        if serial is not None and name in serial.read and not (in_scope() or is_calling()):
            _note(self, serial, name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        serial = vars(self).get("_serial")
        if serial is not None and name in serial.read:
            _note(self, serial, name, _REMOVED)
        super().__delattr__(name)


class _Serial:
    """What marks an object that was read: a number that no other bears, and the names of the attributes."""

    __slots__ = ("identity", "number", "read")

    def __init__(self, item):
        self.identity, self.number, self.read = id(item), next(_serials), set()

    def __reduce__(self):
        return _nothing, ()  # a copy is another object, which nobody has read


def _nothing():
    return None


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Code is traced inside the block: what it reads of objects with settings is noted.

    For as long as that lasts, looking up an attribute goes through a function of Python's; at all other times it costs what it
    always costs.
    """
    global _readings
    with _lock:
        _readings += 1
        if _readings == 1:
            Settings.__getattribute__ = _noting_reads
    try:
        yield
    finally:
        with _lock:
            _readings -= 1
            if not _readings:
                del Settings.__getattribute__


def _noting_reads(self, name):
    if name[0] != "_" and name not in type(self)._unread:
        held = object.__getattribute__(self, "__dict__")
        serial = held.get("_serial")
        if serial is None or serial.identity != id(self):  # else it came along with a copy
            serial = held["_serial"] = _Serial(self)
        serial.read.add(name)
    return object.__getattribute__(self, name)


def _note(item, serial, name, value):
    global _now
    if serial.identity != id(item) or _is_set_by_ours(type(item), name) or _is_as_before(item, name, value):
        return
    if len(_states) > MOST_STATES:
        _states.clear()
    if not any((serial.number, read) in _settings for read in serial.read):
        weakref.finalize(item, _forget, serial.number).atexit = False
    _settings[serial.number, name] = (type(value), value) if isinstance(value, _PLAIN) else next(_tokens)
    state = frozenset(_settings.items())
    known = _states.get(state)
    _now = _states.setdefault(state, next(_numbers)) if known is None else known


def _forget(number):
    """The object of this number is gone: settings that differ in nothing but its own are the same ones from now on, so that programs
    that were made while it lived are found again."""
    global _states
    for key in [key for key in _settings if key[0] == number]:
        del _settings[key]
    _states = {frozenset(each for each in state if each[0][0] != number): n for state, n in list(_states.items())}
    _states[frozenset(_settings.items())] = _now


def _is_as_before(item, name, value):
    held = vars(item).get(name, _settings)
    return held is value or (type(held) is type(value) and isinstance(value, _PLAIN) and held == value)


def _is_set_by_ours(cls, name):
    """Whether a property of phasewise takes the value, and sees to its effect itself."""
    found = getattr(cls, name, None)
    if isinstance(found, Overridable):
        return False
    return isinstance(found, property) and getattr(found.fget, "__module__", "").startswith("phasewise.")
