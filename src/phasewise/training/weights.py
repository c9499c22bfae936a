"""The weights of a model as a program that only reads them takes them: on the device, small ones of a shape stacked.

A call on one row of a deep model would else spend its time on handing over hundreds of arrays, one by one, and on taking them out of
the stacks again: so what layers hold of one shape (bias, gamma, beta …) is taken out at once.
"""

import collections
from operator import is_, itemgetter

import jax
import numpy as np

from phasewise.core.variable import values_of
from phasewise.training.packing import LARGEST, Packing, taken_at


class Weights:
    """Those of one tree of layers.

    Args:
        variables: all of them.
    """

    def __init__(self, variables):
        self.variables = variables
        # What is handed over: rows of places of variables. A single place is handed over alone.
        self._blocks = _blocks_of(variables)
        self._stacks = {}  # number of a block -> (the arrays that were stacked, their stack)
        self.numbers = jax.device_put([np.int32(i) for i in range(max(map(len, self._blocks), default=0))])
        self._on_cpu = jax.default_backend() == "cpu"
        self._picks = [itemgetter(*(place for row in rows for place in row)) for rows in self._blocks]

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
            self._on_device(rows[0][0], values) if len(rows) == 1 else self._stack_of(number, values)
            for number, rows in enumerate(self._blocks)
        ]

    def _stack_of(self, number, values):
        arrays = self._picks[number](values)
        known, stack = self._stacks.get(number, ((), None))
        if len(known) != len(arrays) or not all(map(is_, arrays, known)):
            rows = self._blocks[number]
            whole = np.stack([np.asarray(array) for array in arrays])
            stack = jax.device_put(whole.reshape(len(rows), len(rows[0]), *whole.shape[1:]))
            self._stacks[number] = arrays, stack
        return stack

    def _on_device(self, place, values):
        """A value as an array of the device, which its variable then holds: it is handed over once.

        A small one stays NumPy's on a CPU, where a program copies it in a tenth of the time.
        """
        value, variable = values[place], self.variables[place]
        if isinstance(value, np.ndarray) and variable._value is value and (value.nbytes > LARGEST or not self._on_cpu):
            value = variable._value = jax.device_put(value)
        return value

    def unpacked(self, packed, numbers):
        """The values of the variables inside a program; `numbers` are its arguments that stand for 0, 1, 2 …"""
        take, values = taken_at(numbers), [None] * len(self.variables)
        for rows, block in zip(self._blocks, packed, strict=True):
            if len(rows) == 1:
                values[rows[0][0]] = block
                continue
            for number, row in enumerate(rows):
                taken = take(block, number)
                for column, place in enumerate(row):
                    values[place] = jax.lax.index_in_dim(taken, column, keepdims=False)
        return values


def _blocks_of(variables):
    """Rows of places of the variables, for each array that a program is given: those of one name below each other, and columns of
    equal arrays and length beside each other. So there are as many rows as layers of a kind, not as weights: each needs a number."""
    alike = collections.defaultdict(list)
    for group in Packing(variables, [variable.name for variable in variables]).groups:
        first = variables[group[0]]
        alike[group[0] if len(group) == 1 else (len(group), first.shape, first.dtype)].append(group)
    return [list(zip(*columns, strict=True)) for columns in alike.values()]
