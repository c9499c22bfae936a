"""Which array of a file is whose in a model; once all of that is known the values are taken, one at a time."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from phasewise.core.variable import Variable
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files.file_error import FileError
from phasewise.files.stored_weights import Stored
from phasewise.layer.layer import Layer

_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class LoadedWeights:
    """What `load_weights` took from a file, and what it left.

    Attributes:
        taken: paths of the variables that have a value of the file now.
        missing: layers of the model that the file has no weights for, where layers were asked for by name; they are as they were.
        mismatched: what did not fit and was skipped, each with both shapes.
        unused: what the file holds and the model has no layer for.
    """

    taken: list[str]
    missing: list[str]
    mismatched: list[str]
    unused: list[str]

    def __str__(self) -> str:
        lines = [f"{len(self.taken)} weights taken"]
        titles = {"missing": "not in the file", "mismatched": "skipped", "unused": "in the file, but not in the model"}
        for attribute, title in titles.items():
            lines += [f"{title}: {each}" for each in getattr(self, attribute)]
        return "\n".join(lines)

    __repr__ = __str__


class _Taking(NamedTuple):
    layer: Layer
    variable: Variable
    stored: Stored


class Fit:
    """What of a file goes where in a model, and what does not.

    Args:
        model: a built model.
        title: what messages call the file.

    Attributes:
        problems: texts on layers that the file does not fit.
        unused: texts on what it has for no layer; `strict` makes them problems.
        missing: texts on layers that it has nothing for, where that is no problem.
        optimizer: dict of arrays for the model's optimizer, or None.
    """

    def __init__(self, model: Any, title: str):
        self.model, self.title = model, title
        self.problems, self.unused, self.missing = [], [], []
        self.optimizer = None
        self._found, self._own = [], []

    def add(self, layer: Layer, whose: str, variables: list[Variable], stored: list[Stored | None]) -> None:
        """Each of the layer's variables is the array beside it in `stored`; None: the file has none for it."""
        for variable, array in zip(variables, stored, strict=True):
            if array is None or array.shape != variable.shape:
                shape = "nothing" if array is None else array.shape
                self.problems.append(f"{whose}: {variable.name} has shape {variable.shape}; the file has {shape}")
            elif not array.is_number:
                self.problems.append(f"{whose}: {variable.name} is made of numbers; {array.where} is not")
            else:
                self._found.append(_Taking(layer, variable, array))

    def add_own(self, layer: Layer, stored: dict[str, Stored]) -> None:
        """The layer, of a user's own, takes these by itself."""
        self._own.append((layer, {name: array.read() for name, array in stored.items()}))

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the file is for the model."""
        return not self._found and not self._own

    def take(self, skip_mismatch: bool = False) -> LoadedWeights:
        """Give the model what is its own.

        Nothing is changed where something does not fit, unless `skip_mismatch` is set, or where something cannot be read. The values
        are read one after the other, so that memory never holds a second copy of all.

        Raises:
            FileError: something does not fit, or cannot be read.
        """
        problems = self.problems
        if problems and not skip_mismatch:
            raise FileError(
                f"{self.title!r} does not fit the model {self.model.name!r}, which is left as it is:{_lines(problems)}"
            )
        for taking in self._found:
            taking.stored.check_readable()
        if problems:
            warn(f"Of {self.title!r} only what fits was loaded. Left out: {'; '.join(problems)}", PhasewiseWarning)
        self._assign()
        return LoadedWeights([t.variable.path for t in self._found], self.missing, list(problems), self.unused)

    def _assign(self):
        for taking in self._found:
            taking.variable.take(taking.stored.read())
        for layer, store in self._own:
            layer.load_own_variables(store)
        touched = {id(layer): layer for layer in (*(t.layer for t in self._found), *(own for own, _ in self._own))}
        for layer in touched.values():
            layer.note_loaded()
        if self.optimizer is not None:
            self.model.optimizer.build(self.model.trainable_variables)
            self.model.optimizer.load_own_variables(self.optimizer)


def whose(layer: Layer, path: str) -> str:
    """What messages call a layer and its place in the file."""
    return f"{type(layer).__name__} {layer.name!r} ({path or 'the model itself'})"


def _lines(problems):
    shown = "".join(f"\n  {problem}" for problem in problems[:_SHOWN])
    return shown + (f"\n  … and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else "")


def values_of(stored: dict[str, Stored]) -> dict[str, np.ndarray]:
    """The arrays themselves."""
    return {name: array.read() for name, array in stored.items()}
