"""Python's operators for what stands for an array: each works on the present value and gives an array."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.types import Array

_NUMBERS = bool | int | float | complex | np.ndarray | np.generic | jax.Array


class Operators:
    """Subclass it with `value`, an array.

    Operators compute on entries, `==` and `!=` among them, as those of arrays do; yet an object is found in a dict or a set
    by its identity, since its value changes. For the same reason `variable in variables` is not what tells whether a list holds
    a variable: `any(variable is each for each in variables)` is.
    """

    __array_priority__ = 1000  # a NumPy array on the left of an operator gives way, so that a traced value stays one
    __hash__ = object.__hash__

    def __getitem__(self, index):
        return jnp.asarray(self.value)[resolved(index)]

    def __iter__(self) -> Iterator[Array]:
        if not self.value.ndim:
            raise TypeError("Cannot iterate over a variable of shape (): it is a single number.")
        return iter(jnp.asarray(self.value))

    def __len__(self) -> int:
        if not self.value.ndim:
            raise TypeError("A variable of shape () has no length: it is a single number.")
        return self.value.shape[0]

    def __contains__(self, item: Any) -> bool:
        return bool((jnp.asarray(self.value) == resolved(item)).any())

    def __round__(self, ndigits: int | None = None) -> Array:
        return jnp.round(jnp.asarray(self.value), ndigits or 0)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __index__(self) -> int:
        return operator.index(self.value)

    def __format__(self, spec: str) -> str:
        return format(np.asarray(self.value).item(), spec) if spec else str(self)


def resolved(structure: Any) -> Any:
    """A nest of tuples, lists and dicts with the present value in the place of each variable."""
    if isinstance(structure, Operators):  # by far the most usual nests are no nests
        return structure.value
    if isinstance(structure, np.ndarray | jax.Array):
        return structure
    leaves, tree = jax.tree.flatten(structure, is_leaf=lambda leaf: leaf is None)
    if not any(isinstance(leaf, Operators) for leaf in leaves):
        return structure
    return jax.tree.unflatten(tree, [leaf.value if isinstance(leaf, Operators) else leaf for leaf in leaves])


def _operand(other):
    """What an operator of arrays takes for `other`; NotImplemented where the other side must know what to do."""
    if isinstance(other, Operators):
        return other.value
    if isinstance(other, list | tuple):
        return np.asarray(resolved(other))
    takes = isinstance(other, _NUMBERS) or callable(getattr(type(other), "__jax_array__", None))
    return other if takes else NotImplemented


def _binary(function: Callable, swapped=False):
    def operate(self, other):
        other = _operand(other)
        if other is NotImplemented:
            return NotImplemented
        value = jnp.asarray(self.value)
        return function(other, value) if swapped else function(value, other)

    return operate


def _unary(function):
    return lambda self: function(jnp.asarray(self.value))


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Operators, f"__{_name}__", _binary(getattr(operator, _name)))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift"):
    setattr(Operators, f"__{_name}__", _binary(getattr(operator, _name)))
    setattr(Operators, f"__r{_name}__", _binary(getattr(operator, _name), swapped=True))
for _name, _function in (("and", operator.and_), ("or", operator.or_), ("xor", operator.xor), ("divmod", divmod)):
    setattr(Operators, f"__{_name}__", _binary(_function))
    setattr(Operators, f"__r{_name}__", _binary(_function, swapped=True))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(Operators, f"__{_name}__", _unary(getattr(operator, _name)))
