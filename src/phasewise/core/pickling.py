"""What makes an object one that can be pickled and copied: what it leaves behind, and which functions cannot come along."""

import copyreg
import pickle
import sys
import types
from typing import Any

import jax
import jax.numpy as jnp

from phasewise.core.keywords import Told

_BY_VALUE = ("copy", "cloudpickle", "dill")


class Portable(Told):
    """Pickled and copied with its attributes, but for those that `left_behind` names.

    Raises:
        pickle.PicklingError: an attribute is, or holds, a function that another process could not find by its name.
    """

    left_behind: frozenset[str] = frozenset()
    spoken_of: str | None = None  # in an error, where the class is none that a user knows

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in self.left_behind}
        for name, value in sorted(state.items(), key=lambda item: item[0].startswith("_")):
            for function in _functions_in(value):
                if not _is_found_by_name(function) and not goes_by_value():
                    raise pickle.PicklingError(_message(self, name, function))
        return state


def _functions_in(value):
    if isinstance(value, types.FunctionType):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _functions_in(item)


def _is_found_by_name(function):
    found = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function


def _at(module, qualname):
    found = sys.modules[module]
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def _compiled_by_name(function):
    """How a function that JAX has wrapped is written down: by the name under which it is found, where it is."""
    name = getattr(function, "__name__", "")
    places = [(getattr(function, "__module__", None), getattr(function, "__qualname__", name))]
    for module, qualname in [*places, *((room, name) for room in ("jax.numpy", "jax.nn", "jax.lax"))]:
        try:
            if _at(module, qualname) is function:
                return _at, (module, qualname)
        except (KeyError, AttributeError):
            continue
    return function.__reduce_ex__(pickle.DEFAULT_PROTOCOL)


# JAX writes down the function inside, by a name under which its own wrapper is found: no function of jax.numpy could be pickled.
for _function in (jnp.sin, jnp.add, jax.nn.relu):
    copyreg.pickle(type(_function), _compiled_by_name)


def goes_by_value():
    """Whether who asks for the state takes functions as they are: a copy, or a pickler that writes their code."""
    frame = sys._getframe(1)
    while frame is not None:
        parts = frame.f_globals.get("__name__", "").split(".")
        if any(name in parts for name in _BY_VALUE):
            return True
        frame = frame.f_back
    return False


def _message(owner, name, function):
    called = getattr(owner, "name", None)
    what = owner.spoken_of or f"The {type(owner).__name__}" + (f" {called!r}" if isinstance(called, str) else "")
    return (
        f"{what} cannot be pickled: {name.lstrip('_')} holds {function.__qualname__!r}, which is found under no name in module "
        f"{function.__module__!r}, so that another process could not find it. Define the function with `def` at the top of a module; "
        "or use a Layer subclass, or a pickler that writes functions down by their code (cloudpickle)."
    )
