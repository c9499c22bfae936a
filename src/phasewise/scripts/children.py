"""Processes that a script starts through `multiprocessing` get its stand-ins before they import the script."""

from collections.abc import Callable
from multiprocessing import spawn

_OWN = spawn.get_preparation_data


class _First:
    """Unpickling it calls a function: a new process does so before it imports anything of the script's."""

    def __init__(self, function):
        self._function = function

    def __reduce__(self):
        return self._function, ()


def follow(install: Callable[[], None]) -> None:
    """What a process is told of the one that starts it (by spawn or by a fork server) begins with calling `install`."""
    spawn.get_preparation_data = lambda name: {**_OWN(name), "phasewise": _First(install)}


def let_go() -> None:
    """It does no more."""
    spawn.get_preparation_data = _OWN
