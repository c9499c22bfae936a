"""The weights of a model as a program that only reads them takes them: on the device, small ones of a shape stacked.

A call on one row of a deep model would else spend its time on handing over hundreds of arrays, one by one.
"""

from operator import is_

import jax
import jax.numpy as jnp
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
        self._seen = self._packed = None
        self.numbers = jax.device_put([np.int32(i) for i in range(self._packing.longest)])

    @classmethod
    def of(cls, model):
        """The `Weights` of a built model, looked up once for as long as its layers stay the same."""
        notes = model._inventory().notes
        if "weights" not in notes:
            notes["weights"] = cls(model._inventory().variables)
        return notes["weights"]

    def now(self):
        """What a program is given: the present values; stacked anew only where one has changed."""
        values = values_of(self.variables)
        if self._seen is None or not all(map(is_, values, self._seen)):
            values = [self._on_device(v, value) for v, value in zip(self.variables, values)]
            self._packed = self._packing.pack(values, lambda group: jnp.asarray(np.stack(group)))
            self._seen = values
        return self._packed

    def unpacked(self, packed, numbers):
        """The values of the variables inside a program; `numbers` are its arguments that stand for 0, 1, 2 …"""
        return self._packing.unpack(packed, taken_at(numbers))

    @staticmethod
    def _on_device(variable, value):
        """The value as an array of the device, which the variable then holds: it is handed over once."""
        if isinstance(value, np.ndarray) and variable._value is value:
            value = variable._value = jnp.asarray(value)
        return value
