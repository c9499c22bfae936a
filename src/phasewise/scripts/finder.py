"""The import finder that answers for Keras and TensorFlow in this process. Nothing installed is touched, or even looked at."""

import importlib
import importlib.abc
import importlib.util
import sys
import types

from phasewise.scripts import children, places, tensors
from phasewise.scripts.stand_in import StandIn, missing

_WITHOUT_TENSORFLOW = "tensorboard.compat.notf"  # where it is found, TensorBoard looks for no TensorFlow


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins, and refuses what lies in Keras or TensorFlow and has none: an installed one would be another library."""

    def find_spec(self, fullname, path=None, target=None):
        """The stand-in's spec; None for what is none of Keras's or TensorFlow's.

        Raises:
            ModuleNotFoundError: there is no stand-in; the message tells the nearest name.
        """
        if not is_answered_here(fullname):
            return None
        if fullname == _WITHOUT_TENSORFLOW or places.targets(fullname) is not None:
            return importlib.util.spec_from_loader(fullname, self, origin="phasewise", is_package=True)
        above, _, last = fullname.rpartition(".")
        if _is_of_a_from():
            raise ImportError(missing(above, last), name=above)
        raise ModuleNotFoundError(missing(above, last, places.submodules(above)), name=fullname)

    def create_module(self, spec):
        """The module itself; its names come when they are asked for."""
        return StandIn(spec.name, places.targets(spec.name) or (), stand_in)

    def exec_module(self, module):
        """Nothing is left to do."""


_FINDER = Finder()


def install() -> None:
    """From now on, imports of Keras and TensorFlow get stand-ins, in this process and in those that it starts."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
        children.follow(install)
        tensors.give_numpy()


def remove() -> None:
    """The opposite of `install`; modules that are imported stay."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
        children.let_go()
        tensors.take_numpy()


def is_answered_here(name: str) -> bool:
    """Whether imports of the module `name` are answered here."""
    return name.split(".")[0] in places.PACKAGES or name == _WITHOUT_TENSORFLOW


def stand_in(name: str) -> types.ModuleType:
    """The stand-in for the module `name`, in this process as in that which pickled it."""
    install()
    return importlib.import_module(name)


def _is_of_a_from():
    """Whether a name of `from module import name` is looked for, not a module."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        if frame.f_code.co_name == "_handle_fromlist":
            return True
        frame = frame.f_back
    return False
