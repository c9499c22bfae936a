"""Python's collector of cycles, which looks again and again at a hundred thousand objects that never die: modules, classes, functions."""

import contextlib
import functools
import gc
import os
import site
import sys
import sysconfig
import types
from collections.abc import Iterator

_PACKAGE = __name__.partition(".")[0]
# Their functions hold nothing of a script's while they import.
_IMPORTING = _PACKAGE, "contextlib", "importlib", "runpy"
_CODE = types.ModuleType, types.FunctionType, types.BuiltinFunctionType


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """A block of imports: nothing is collected in it, and what is there then is taken for old, so that only full collections look at it.

    Where all that is there belongs to libraries, no collection looks at it any more, nor does the end of the process take it apart
    cycle by cycle, which takes a quarter of a second. What is made later is collected and finalized as ever.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # else somebody has frozen objects, which are to stay so
            gc.freeze()
            if not _only_libraries():
                gc.unfreeze()  # into the oldest generation
        if was_on:
            gc.enable()


def _only_libraries():
    """Whether nothing that a collector has to look after can have been made by a script so far: it has imported, defined functions and no more."""
    if len(sys._current_frames()) > 1:  # threads
        return False
    modules = dict(sys.modules)
    libraries = {name for name, module in modules.items() if _is_library(name, module)}
    scopes = [vars(module) for name, module in modules.items() if name not in libraries]
    frame = sys._getframe()
    while frame:
        if _root(frame.f_globals.get("__name__", "")) not in _IMPORTING:
            scopes.append(frame.f_locals)
        frame = frame.f_back
    return all(
        _holds_nothing(value, libraries)
        for scope in scopes
        for name, value in list(scope.items())
        if not name.startswith("__")
    )


def _root(name):
    return name.partition(".")[0]


def _is_library(name, module):
    if _root(name) == _PACKAGE or not isinstance(module, types.ModuleType):
        return True
    file = getattr(module, "__file__", None)
    return name != "__main__" and (file is None or file.startswith(_installed()))


@functools.cache
def _installed():
    """The folders that libraries lie in."""
    places = [sysconfig.get_path("stdlib"), *site.getsitepackages(), site.getusersitepackages()]
    return tuple(place + os.sep for place in places)


def _holds_nothing(value, libraries):
    """Whether nothing of a script's can come to hang on `value`, one of the script's names, by more than that name."""
    if isinstance(value, type):  # a class is a cycle by itself
        return value.__module__ in libraries
    return isinstance(value, _CODE) or not gc.is_tracked(value) or type(value).__module__ == "__future__"
