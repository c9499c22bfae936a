"""The weights of a model as a program that only reads them takes them: on the device, small ones of a shape stacked.

A call on one row of a deep model would else spend its time on handing over hundreds of arrays, one by one.
"""

from operator import is_

import jax
import numpy as np

from phasewise.core.variable import values_of
from phasewise.training.packing import Packing, taken_at


class Weights:
    """Those of one tree of layers.

    Args:
        variables: all of them.
    """

    def __init__(self, variables):
        self.variables = variables
        self._packing = Packing(variables, [True] * len(variables))
        self._stacks = {}  # first place of a group -> (the arrays that were stacked, their stack)
        self.numbers = jax.device_put([np.int32(i) for i in range(self._packing.longest)])

    @classmethod
    def of(cls, inventory):
        """The `Weights` of a built model's `Inventory`, made once for as long as its layers stay the same."""
        notes = inventory.notes
        if "weights" not in notes:
            notes["weights"] = cls(inventory.variables)
        return notes["weights"]

    def now(self):
        """What a program is given: the present values; stacked anew only where one has changed.

        Only what is stacked, and so is small, is remembered: nothing keeps large weights alive once they have changed.
        """
        values = values_of(self.variables)
        return [
            self._on_device(group[0], values) if len(group) == 1 else self._stack_of(group, values)
            for group in self._packing.groups
        ]

    def _stack_of(self, group, values):
        arrays = [values[place] for place in group]
        known, stack = self._stacks.get(group[0], ((), None))
        if len(known) != len(arrays) or not all(map(is_, arrays, known)):
            stack = jax.device_put(np.stack([np.asarray(array) for array in arrays]))
            self._stacks[group[0]] = arrays, stack
        return stack

    def _on_device(self, place, values):
        """A value as an array of the device, which its variable then holds: it is handed over once."""
        value, variable = values[place], self.variables[place]
        if isinstance(value, np.ndarray) and variable._value is value:
            value = variable._value = jax.device_put(value)
        return value

    def unpacked(self, packed, numbers):
        """The values of the variables inside a program; `numbers` are its arguments that stand for 0, 1, 2 …"""
        return self._packing.unpack(packed, taken_at(numbers))
