"""How a layer's weights stand in a file of weights."""

from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

import numpy as np

from phasewise.core.variable import Variable


class OnFile:
    """The part of a layer that says so.

    Attributes:
        class_on_file: what its class is called in a file, where that is not the class's name in snake case.
        stored_as: names under which layers in its attributes stand in a file, where these are others than the attributes'.
        copied_to: names under which a file has the same once more, below its own place: those of layers that Keras's has inside it and
            this one has not.
    """

    class_on_file: str | None = None
    stored_as: Mapping[str, str] = MappingProxyType({})
    copied_to: tuple[str, ...] = ()

    def variables_on_file(self) -> list[Variable]:
        """Its own variables, those of layers inside it left out, in the order in which a file numbers them."""
        found = {id(v): v for v in self._found().variables}.values()
        return sorted(found, key=lambda v: not v.made_trainable)

    def value_on_file(self, variable: Variable) -> np.ndarray:
        """What a file has for one of these."""
        return np.asarray(variable)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put what a file is to have of the layer itself into `store`: its variables, under "0", "1" … A class may override this, and then
        also `load_own_variables`; and it may define `save_assets(dir_path)` and `load_assets(dir_path)` for files of its own."""
        for number, variable in enumerate(self.variables_on_file()):
            store[str(number)] = np.asarray(self.value_on_file(variable))

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take from `store` what `save_own_variables` put there.

        Raises:
            ValueError: it has another number of arrays, or one of another shape.
        """
        variables = self.variables_on_file()
        if len(store) != len(variables):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {len(variables)} weights; the file has {len(store)} for it."
            )
        for number, variable in enumerate(variables):
            variable.assign(np.asarray(store[str(number)]))

    @property
    def stores_itself(self) -> bool:
        """Whether its class says itself how it stands in a file."""
        own = type(self)
        return (
            own.save_own_variables is not OnFile.save_own_variables
            or own.load_own_variables is not OnFile.load_own_variables
        )

    def note_loaded(self) -> None:
        """Its variables have just been given the values of a file."""
