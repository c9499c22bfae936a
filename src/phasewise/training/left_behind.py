"""Values that traced code has kept on objects: what stands in their place once the trace is over, and tells whoever uses it.

While a step is traced its arrays have no values yet. One that a `train_step` or a layer's `call` keeps (`self.last = loss`) is of use until
the trace ends, and of none afterwards: what JAX says of it then speaks of the inside of a program.
"""

import functools
import inspect
from collections import deque
from itertools import islice
from typing import Any

import jax

from phasewise.core.traced import any_traced
from phasewise.layer.layer import Layer

DEEPEST, MOST, MOST_OF_ALL = 4, 1000, 5000
"""How far containers and objects are looked into, how many entries of one, and of all of them together."""

_CONTAINERS = (dict, list, deque)
_LIBRARIES = ("phasewise", "jax", "jaxlib", "numpy", "optax", "builtins", "keras")


class LeftBehindError(RuntimeError):
    """What was kept while a step was traced is used as if it had a value."""


def _raising(self, *_, **__):
    raise LeftBehindError(self._told())


class LeftBehind:
    """Stands where a traced value was kept; whatever is computed with it raises `LeftBehindError`.

    Args:
        where: it was kept, as a user would write it.
        what: it was.
    """

    def __init__(self, where: str, what: str):
        self._where, self._what = where, what

    def _told(self):
        return (
            f"{self._where} has no value. It was kept while a step was traced, where it stood for {self._what} to be computed later: a step "
            "is traced once and then run compiled, so that Python keeps nothing at each step. "
            "Return what is to be seen from the step, in its dict (`logs` of a callback has it); or make a variable in __init__, "
            "phasewise.Variable(value, trainable=False), and `assign` to it."
        )

    def __repr__(self):
        return f"<{self._where}: kept while a step was traced, without a value>"

    def __getattr__(self, name):
        if name.startswith("_"):  # copies and inspection ask for what is not there
            raise AttributeError(name)
        raise LeftBehindError(self._told())

    def __eq__(self, other):
        return True if other is self else _raising(self)

    __hash__ = object.__hash__
    __float__ = __int__ = __index__ = __complex__ = __bool__ = __len__ = __iter__ = __getitem__ = __format__ = _raising
    __array__ = __jax_array__ = __neg__ = __abs__ = __round__ = __lt__ = __le__ = __gt__ = __ge__ = _raising
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = _raising
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _raising


def mark_left_behind(model: Any) -> None:
    """Put a `LeftBehind` wherever the model, its layers, what these hold and what their code reaches have kept a traced value.

    Nothing is done while something is traced: then it may be in use.
    """
    owners = model._inventory().layers
    users = {cls for each in set(map(type, owners)) for cls in each.__mro__ if _is_users(cls)}
    if not users or any_traced(()):  # layers of phasewise's own keep nothing
        return
    search = _Search(owners)
    for owner in owners:
        search.in_layer(owner, owner is model)
    for cls in users:
        for function in filter(inspect.isfunction, vars(cls).values()):
            search.in_names(function)


class _Search:
    """One look at what layers hold. It takes longer with what a user's objects hold, of which it sees `MOST_OF_ALL` entries."""

    def __init__(self, layers):
        self.seen, self.left = set(map(id, layers)), MOST_OF_ALL
        self.sorts, self.common = _Sorts(), _of_every_layer()

    def in_layer(self, layer, is_model):
        """Mark what is in the attributes that a layer has beside those of every layer."""
        held, sorts, common = vars(layer), self.sorts, self.common
        found = [name for name, value in held.items() if sorts[type(value)] and name not in common]
        if not found:
            return
        at, is_users = type(layer).__name__ + (f" {layer.name!r}: self" if not is_model else ""), _is_users(type(layer))
        for name in found:
            if is_users or sorts[type(held[name])] == TRACED:
                self._at(held, name, f"{at}.{name}", 1)

    def in_names(self, function):
        """Mark what is in the containers that the code of a function speaks of by name: globals, and names of functions around it."""
        known = function.__globals__
        for name in function.__code__.co_names:
            if _sort(type(known.get(name))) in (TRACED, CONTAINER):
                self._at(known, name, name, 1)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            if _is_filled(cell) and isinstance(cell.cell_contents, _CONTAINERS):
                self._in(cell.cell_contents, name, 1)

    def _at(self, held, key, where, depth):
        """Mark a value that is a traced one, or what it holds."""
        value = held[key]
        sort = _sort(type(value))
        if sort == TRACED:
            held[key] = LeftBehind(where, f"an array of shape {value.shape} and dtype {value.dtype}")
        elif sort == TUPLE:
            if any(isinstance(each, jax.core.Tracer) for each in value):
                held[key] = LeftBehind(where, "arrays")
        elif sort and depth <= DEEPEST and id(value) not in self.seen:
            self._in(value, where, depth)

    def _in(self, item, where, depth):
        self.seen.add(id(item))
        held = item if isinstance(item, _CONTAINERS) else getattr(item, "__dict__", {})
        pairs = list(islice(held.items() if isinstance(held, dict) else enumerate(held), min(MOST, self.left)))
        self.left -= len(pairs)
        for key, value in pairs:
            if self.sorts[type(value)]:
                self._at(held, key, f"{where}[{key!r}]" if held is item else f"{where}.{key}", depth + 1)


TRACED, TUPLE, CONTAINER, OBJECT = 1, 2, 3, 4


@functools.lru_cache(4096)
def _sort(cls):
    """What the values of a class are to a search; 0 for what holds nothing that was traced."""
    if issubclass(cls, jax.core.Tracer):
        return TRACED
    if issubclass(cls, tuple):
        return TUPLE
    if issubclass(cls, _CONTAINERS):
        return CONTAINER
    return OBJECT if _is_users(cls) else 0


class _Sorts(dict):
    """`_sort` by class, at the cost of a look into a dict."""

    def __missing__(self, cls):
        self[cls] = _sort(cls)
        return self[cls]


@functools.cache
def _of_every_layer():
    return frozenset(vars(Layer(name="any")))


def _is_filled(cell):
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


@functools.lru_cache(4096)
def _is_users(cls):
    """Whether a class is none of the libraries'."""
    return cls.__module__.partition(".")[0] not in _LIBRARIES
