"""Weights by name, as a dict of arrays and in files that are made like one.

A weight is called by its path (`dense/kernel`, `block/dense/kernel`); the name of the model itself is left out. What layers of a user's own
store by themselves, and what an optimizer keeps, is not in it.
"""

from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from phasewise.core.registry import nearest
from phasewise.core.variable import Variable
from phasewise.files.by_name import check_any, tell
from phasewise.files.fit import Fit
from phasewise.layer.layer import Layer


class Held:
    """An array in memory, with what `Fit` asks of one in a file."""

    def __init__(self, array: Any, where: str):
        if hasattr(array, "detach"):  # PyTorch's parameters give no array while they require a gradient
            array = array.detach().cpu()
        self._array, self.where = np.asarray(array), where

    @property
    def shape(self) -> tuple[int, ...]:
        """Tuple of int."""
        return self._array.shape

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers or booleans."""
        return holds_numbers(self._array.dtype)

    def read(self) -> np.ndarray:
        """A copy, for a variable to keep: the array is somebody else's."""
        return self._array.copy()

    def check_readable(self) -> None:
        """It is."""


def variables_by_name(model: Any) -> dict[str, tuple[Layer, Variable]]:
    """The weights of a built model, and whose they are, by name.

    Raises:
        ValueError: two have the same name.
    """
    found = {}
    for layer in model._inventory().layers:
        for variable in layer.variables_on_file():
            name = _name(model, variable.path)
            if name in found:
                raise ValueError(
                    f"Two weights are called {name!r}, one of {found[name][0].name!r} and one of {layer.name!r}: give their layers other "
                    "names, or save to .weights.h5, which goes by their places."
                )
            if not variable.is_memory:
                found[name] = layer, variable
    return found


def arrays_by_name(model: Any) -> dict[str, np.ndarray]:
    """The values of the weights by name, none of them copied."""
    return {name: np.asarray(layer.value_on_file(v)) for name, (layer, v) in variables_by_name(model).items()}


def fit_named(model: Any, title: str, stored: Mapping[str, Any], by_name: bool | None) -> Fit:
    """What goes where.

    Args:
        stored: dict from name to what `Fit` takes. If all names begin with one part more than ours have, that of another model, it is left out.
        by_name: take what both have; else it is a problem if either has more.
    """
    fit, ours = Fit(model, title), variables_by_name(model)
    stored = _without_model(stored, ours)
    for name, (layer, variable) in ours.items():
        if name in stored:
            fit.add(layer, f"{type(layer).__name__} {layer.name!r} ({name})", [variable], [stored[name]])
    missing = {name: layer.name for name, (layer, _) in ours.items() if name not in stored}
    unused = [name for name in stored if name not in ours]
    if by_name:
        tell(fit, list(dict.fromkeys(missing.values())), unused)
        check_any(fit, [model.name, *ours], stored)
        return fit
    for name in missing:
        fit.problems.append(f"there is no {name!r} of shape {ours[name][1].shape}{_near(name, unused)}")
    fit.problems += [f"it has {name!r} of shape {stored[name].shape}, which the model has not" for name in unused]
    return fit


def holds_numbers(dtype: np.dtype) -> bool:
    """Whether arrays of this dtype are numbers or booleans; NumPy's files have bfloat16 as two bytes without a meaning."""
    return dtype.kind in "biuf" or dtype == ml_dtypes.bfloat16 or dtype == np.dtype("V2")


def _name(model, path):
    return path.removeprefix(f"{model.name}/")


def _without_model(stored, ours):
    firsts = {name.partition("/")[0] for name in stored}
    rests = {name.partition("/")[2] for name in stored}
    if len(firsts) == 1 and ours.keys().isdisjoint(stored) and not ours.keys().isdisjoint(rests):
        return {name.partition("/")[2]: array for name, array in stored.items()}
    return stored


def _near(name, unused):
    near = nearest(name, unused)
    return f"; there is {near!r}" if near else ""
