"""A module that stands in for one of Keras's or TensorFlow's while a script runs: its names are those of modules of phasewise."""

import functools
import importlib
import inspect
import sys
import types
from collections.abc import Callable, Sequence

from phasewise.core import former
from phasewise.core.keywords import tell_in
from phasewise.core.registry import did_you_mean
from phasewise.scripts import places
from phasewise.scripts.missing import reason

_HERE = __name__.rpartition(".")[0]


class StandIn(types.ModuleType):
    """Looks every name up when it is asked for, so that nothing is imported that a script does not use.

    What is set on it is set in the module of phasewise that has the name, as with the module that it stands for.

    Args:
        name: what it stands for, such as "keras.layers".
        targets: the modules in which names are looked for, in this order.
        found_again: function that takes the name and returns the module, in whatever process; what pickle writes down.
    """

    def __init__(
        self, name: str, targets: tuple[str, ...], found_again: Callable[[str], types.ModuleType] | None = None
    ):
        super().__init__(name, f"phasewise, which stands in for {name} while this script runs.")
        self.__targets__, self.__found_again__ = targets, found_again

    def __getattr__(self, name):
        if name == "__all__":
            return [each for each in dir(self) if not each.startswith("_")]
        if name.startswith("__") and name != "__version__":  # the import system asks for many
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name)
        path = f"{self.__name__}.{name}"
        below = places.targets(path)
        if below is not None:
            is_imported = sys.modules.get(self.__name__) is self  # it is no more where the script has ended
            return importlib.import_module(path) if is_imported else StandIn(path, below, self.__found_again__)
        for target in _modules(self):
            if _is_public(target, name):
                return getattr(target, name)
        raise AttributeError(missing(self.__name__, name), name=name)

    def __setattr__(self, name, value):
        if name.startswith("__") or isinstance(value, StandIn) or not self.__targets__:
            super().__setattr__(name, value)
        else:
            setattr(_owner(self, name), name, value)

    def __delattr__(self, name):
        if name in vars(self):
            super().__delattr__(name)
        else:
            delattr(_owner(self, name), name)

    def __call__(self, *args, **kwargs):
        raise TypeError(
            f"{self.__name__} is a module, not a function.{former.instead(self.__name__.rpartition('.')[2])}"
        )

    def __dir__(self):
        names = {name for target in _modules(self) for name in public_names(target)}
        return sorted(names | set(places.submodules(self.__name__)))

    def __reduce__(self):
        return self.__found_again__, (self.__name__,)


def missing(module: str, name: str, candidates: Sequence[str] | None = None) -> str:
    """What is said where `module` is asked for a `name` that it does not have.

    Args:
        module: as a script imports it.
        name: a name in it, or the last part of a module's.
        candidates: names that it may have been meant for; by default all that the module has.
    """
    because = reason(f"{module}.{name}")
    if because is None:
        because = did_you_mean(name, candidates or dir(StandIn(module, places.targets(module) or ())))
    return f"{module} has no {name!r} here: phasewise stands in for it while this script runs.{because}"


def public_names(module: types.ModuleType) -> list[str]:
    """The names that people import from a module, submodules not among them."""
    names = [*getattr(module, "__all__", ()), *(name for name in dir(module) if not name.startswith("_"))]
    return [name for name in names if not inspect.ismodule(vars(module).get(name))]


def _is_public(module, name):
    listed = name in getattr(module, "__all__", ())
    return (listed or not name.startswith("_")) and not inspect.ismodule(getattr(module, name, module))


def _modules(stand):
    return [_telling(target) for target in stand.__targets__]


@functools.cache
def _telling(target):
    """The module, where the functions that are written for scripts alone tell what they take."""
    module = importlib.import_module(target)
    if target.startswith(_HERE):
        tell_in(module, target)
    return module


def _owner(stand, name):
    """The module that has a name; that of phasewise's own for one that is new, or that was deleted and comes back."""
    targets = _modules(stand)
    own = [target for target in targets if not target.__name__.startswith(_HERE)]
    return next((target for target in targets if hasattr(target, name)), own[0] if own else targets[-1])
