"""Plain attributes that traced code may have read: `dropout.rate`, `loss.delta`, `regularizer.l2`.

A program has their values in it. What is assigned later counts here, and the number of the present settings is part of the key of
every program: so a change takes effect at the next call, and settings that were there before find their program again.
"""

import itertools
from types import MethodType
from typing import Any

from phasewise.core.naming import is_calling
from phasewise.core.variable import in_scope

MOST_STATES = 4096

_PLAIN = (int, float, bool, str, bytes, complex, type(None))
_serials, _numbers, _tokens = itertools.count(1), itertools.count(1), itertools.count(1)
_settings = {}  # (serial of the object, name) -> what stands for the value that was assigned
_states = {}  # the settings at a time -> their number
_now = 0


def number() -> int:
    """That of the present settings."""
    return _now


class Settings:
    """An object whose public attributes traced code reads.

    A subclass lists in `_unread` those that only the host reads. Attributes with an underscore, and what a layer's call or traced
    code itself assigns, do not count; nor do changes inside a list or dict.
    """

    _unread = frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] != "_" and name not in self._unread and _is_followed(self) and not (in_scope() or is_calling()):
            _note(self, name, value)
        super().__setattr__(name, value)


class _Serial:
    """What marks an object that is followed; a number that no other bears, as an identity may in time."""

    __slots__ = ("identity", "number")

    def __init__(self, item):
        self.identity, self.number = id(item), next(_serials)


def follow(item: Any) -> None:
    """From here on what is assigned to the object counts, and to the objects with settings that it holds: code that reads it
    is traced."""
    seen, stack = set(), [item]
    while stack:
        item = stack.pop()
        if isinstance(item, Settings) and id(item) not in seen:
            seen.add(id(item))
            if not _is_followed(item):
                vars(item)["_serial"] = _Serial(item)
            held = vars(item).values()
            stack += [*held, *(each.__self__ for each in held if isinstance(each, MethodType))]


def _is_followed(item):
    serial = vars(item).get("_serial")
    return serial is not None and serial.identity == id(item)  # else it came along with a copy


def _note(item, name, value):
    global _now
    if _is_set_by_ours(type(item), name) or _is_as_before(item, name, value):
        return
    if len(_states) > MOST_STATES:
        _states.clear()
    _settings[item._serial.number, name] = (type(value), value) if isinstance(value, _PLAIN) else next(_tokens)
    state = frozenset(_settings.items())
    _now = _states[state] if state in _states else _states.setdefault(state, next(_numbers))


def _is_as_before(item, name, value):
    held = vars(item).get(name, _settings)
    return held is value or (type(held) is type(value) and isinstance(value, _PLAIN) and held == value)


def _is_set_by_ours(cls, name):
    """Whether a property of phasewise takes the value, and sees to its effect itself."""
    found = getattr(cls, name, None)
    return isinstance(found, property) and getattr(found.fget, "__module__", "").startswith("phasewise.")
