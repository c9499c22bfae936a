"""Equal small arrays carried through the loop as one: what XLA has to compile then does not grow with the number of layers.

A deep model has hundreds of arrays of a few shapes. Stacked, one update serves all of a shape, and the loop carries a handful of
arrays. Each array is read at a place that is an argument of the program, so that equal layers compile to the same code, once.
"""

import collections
import functools

import jax
import numpy as np

from phasewise.optimizers.slots import BESIDE

LARGEST = 64 << 10  # bytes of an array that is still stacked: reading it out is a copy
FEWEST = 16  # arrays of a shape
FEW = 16  # arrays that are joined at a time


class Packing:
    """How a list of arrays is stacked.

    Args:
        arrays: objects with `shape` and `dtype`.
        kinds: for each, what else must agree for two to be stacked; None keeps an array by itself.

    Attributes:
        groups: lists of the places of arrays that are stacked; of one place where an array is alone.
    """

    def __init__(self, arrays, kinds):
        groups = collections.defaultdict(list)
        for place, (array, kind) in enumerate(zip(arrays, kinds, strict=True)):
            dtype = np.dtype(array.dtype)
            small = kind is not None and int(np.prod(array.shape)) * dtype.itemsize <= LARGEST
            groups[(array.shape, dtype, kind) if small else place].append(place)
        self.groups = []
        for places in groups.values():
            self.groups += [places] if len(places) >= FEWEST else [[place] for place in places]
        self.groups.sort()  # where nothing is stacked, the order is that of the arrays

    @property
    def longest(self):
        """The size of the largest group."""
        return max(map(len, self.groups), default=0)

    def pack(self, arrays, stack=None):
        """A stack for each group, or the array itself where it is alone."""
        stack = stack or _stacked
        return [
            arrays[group[0]] if len(group) == 1 else stack([arrays[place] for place in group]) for group in self.groups
        ]

    def unpack(self, packed, take):
        """The arrays, in their order; `take(stack, number)` gives one of a stack."""
        arrays = {}
        for group, stack in zip(self.groups, packed, strict=True):
            for number, place in enumerate(group):
                arrays[place] = stack if len(group) == 1 else take(stack, number)
        return [arrays[place] for place in range(len(arrays))]

    def first_of(self, items):
        """For each group the item of its first array."""
        return [items[group[0]] for group in self.groups]


class Layout:
    """How the state of a training step is stacked: parameters and what the optimizer keeps for each, and the other variables.

    Args:
        params, other: the variables.
        optimizer: the `Optimizer` that updates the parameters.
        stacks: False leaves every array by itself.
    """

    def __init__(self, params, other, optimizer, *, stacks=True):
        self.params = Packing(params, [optimizer.kind_of(variable) if stacks else None for variable in params])
        self.other = Packing(other, [True if stacks else None] * len(other))

    @property
    def longest(self):
        """The size of the largest group."""
        return max(self.params.longest, self.other.longest)

    def pack(self, state):
        """The state as the loop carries it, from what the model holds. On the host: nothing is compiled for it."""

        def pack(packing, arrays):
            return packing.pack(arrays, lambda group: np.stack([np.asarray(array) for array in group]))

        return self._mapped(state, pack)

    def unpack(self, state):
        """The state as the model holds it, from what the loop carried; arrays that were stacked are on the host."""

        def unpack(packing, packed):
            hosted = [np.asarray(a) if len(group) > 1 else a for a, group in zip(packed, packing.groups)]
            return packing.unpack(hosted, lambda stack, number: stack[number])

        return self._mapped(state, unpack)

    def _mapped(self, state, function):
        state = {
            **state,
            "params": function(self.params, state["params"]),
            "other": function(self.other, state["other"]),
        }
        kept = dict(state["optimizer"])
        if "slots" in kept:
            kept["slots"] = {slot: function(self.params, arrays) for slot, arrays in kept["slots"].items()}
        kept.update({name: function(self.params, kept[name]) for name in BESIDE if name in kept})
        return {**state, "optimizer": kept}


def _stacked(arrays):
    return concatenated([jax.lax.expand_dims(array, [0]) for array in arrays])


def concatenated(parts):
    """`jnp.concatenate`, inside a program, a few at a time: XLA compiles one of hundreds for seconds."""
    while len(parts) > 1:
        parts = [jax.lax.concatenate(parts[i : i + FEW], 0) for i in range(0, len(parts), FEW)]
    return parts[0]


def taken_at(numbers):
    """`take` for `Packing.unpack` inside a program: places are its arguments, so that equal layers compile to one code."""
    take = functools.partial(jax.lax.dynamic_index_in_dim, axis=0, keepdims=False, allow_negative_indices=False)
    return lambda stack, number: take(stack, numbers[number])
