"""How a layer's weights stand in a file of weights."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from phasewise.core.variable import Variable


class OnFile:
    """The part of a layer that says so.

    Attributes:
        class_on_file: what its class is called in a file, where that is not the class's name in snake case.
        stored_as: names under which layers in its attributes stand in a file, where these are others than the attributes'.
    """

    class_on_file: str | None = None
    stored_as: Mapping[str, str] = MappingProxyType({})

    def variables_on_file(self) -> list[Variable]:
        """Its own variables, those of layers inside it left out, in the order in which a file numbers them."""
        found = {id(v): v for v in self._found().variables}.values()
        return sorted(found, key=lambda v: not v.made_trainable)

    def value_on_file(self, variable: Variable) -> np.ndarray:
        """What a file has for one of these."""
        return variable.numpy()

    def note_loaded(self) -> None:
        """Its variables have just been given the values of a file."""
