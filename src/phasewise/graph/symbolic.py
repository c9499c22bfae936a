"""Symbolic tensors: what `Input` returns, and what layers and functions return when they are called on one.

A symbolic tensor knows its shape, its dtype and the node that made it; it holds no numbers.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import logits, variable
from phasewise.core.keywords import Told
from phasewise.core.operators import Operators, resolved
from phasewise.core.pickling import Portable
from phasewise.core.strings import STRING, is_string_dtype
from phasewise.core.types import DTypeLike, Shape

# Sizes that stand for None while shapes are inferred: an axis that differs between them is None. One is small and one
# large, so that a slice like x[:, 20:] is seen to depend on the size; both divide by 2, 3, 4, 6 and 8.
_STAND_INS = (24, 240)

_RESHAPING = jnp.expand_dims, jnp.ravel, jnp.reshape, jnp.squeeze  # entries keep their order


class SymbolicTensor(Told):
    """A tensor in a graph that has not run.

    Attributes:
        shape: tuple of int and None (unknown).
        dtype: name of a dtype; "string" for strings, which layers that run on the host take.
        name: str.
        node: the `Node` that made it; None for an input.
    """

    def __init__(
        self, shape: Shape, dtype: DTypeLike = "float32", name: str | None = None, node: Any = None, index: int = 0
    ):
        self.shape = tuple(shape)
        self.dtype = STRING if is_string_dtype(dtype) else str(jnp.dtype(dtype))
        self.name = name or "tensor"
        self.node = node
        self.index = index

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self):
        return f"<SymbolicTensor {self.name!r} shape={self.shape} dtype={self.dtype}>"

    @property
    def __jax_array__(self):  # a property, and a ValueError: JAX only asks whether it is there, and hides a TypeError
        raise ValueError(
            f"A JAX function or operator was given the symbolic tensor {self.name!r} of shape {self.shape}, which holds no "
            "numbers yet. Use the function of the same name in phasewise.ops (phasewise.ops.sin(x)), or wrap your own: "
            "phasewise.layers.Lambda(function)(x)."
        )

    def __array__(self, *args, **kwargs):
        raise TypeError(
            f"NumPy was given the symbolic tensor {self.name!r} of shape {self.shape}, which holds no numbers yet. "
            "Use phasewise.ops, or phasewise.layers.Lambda(function)(x)."
        )

    def __bool__(self):
        raise TypeError(
            f"The symbolic tensor {self.name!r} has no truth value: it holds no numbers while the graph is built. "
            "Use phasewise.ops.where instead of `if`."
        )

    def __iter__(self):
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"Cannot iterate over the symbolic tensor {self.name!r}: its first axis is unknown.")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self):
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"The symbolic tensor {self.name!r} has no length: its first axis is unknown.")
        return self.shape[0]

    def __getitem__(self, index):
        return apply(get_item, self, index)

    def reshape(self, *shape: Any) -> "SymbolicTensor":
        """The entries in another shape."""
        return apply(jnp.reshape, self, shape[0] if len(shape) == 1 else shape)

    def squeeze(self, axis: int | tuple[int, ...] | None = None) -> "SymbolicTensor":
        """Without the axes of size 1."""
        return apply(jnp.squeeze, self, axis)

    __hash__ = object.__hash__
    __array_priority__ = 1000  # a NumPy array on the left of an operator gives way


class Function(Portable):
    """A function of arrays as a node of a graph."""

    def __init__(self, function):
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)

    def __call__(self, *args, **kwargs):
        args, kwargs = resolved(args), resolved(kwargs)
        result = self.function(*args, **kwargs)
        reshapes = args and any(self.function is each for each in _RESHAPING)
        return logits.follow(result, args[0]) if reshapes else result


class Node:
    """One call recorded in a graph: the operation, its arguments (with symbolic tensors in them), its outputs as a list, and
    its result: the outputs as the call returned them."""

    def __init__(self, operation, args, kwargs):
        self.operation, self.args, self.kwargs = operation, args, kwargs
        self.outputs = self.result = None

    @property
    def parents(self):
        """The symbolic tensors among the arguments, in order."""
        return tensors_in((self.args, self.kwargs))


def is_symbolic(leaf):
    """True for a symbolic tensor."""
    return isinstance(leaf, SymbolicTensor)


def tensors_in(structure):
    """The symbolic tensors in a nest of tuples, lists and dicts, in order."""
    return [leaf for leaf in jax.tree.leaves(structure, is_leaf=is_symbolic) if is_symbolic(leaf)]


def any_symbolic(structure):
    """True when a symbolic tensor occurs in the nest."""
    return any(is_symbolic(leaf) for leaf in jax.tree.leaves(structure, is_leaf=is_symbolic))


def refuse_strings(taker, structure):
    """Raises TypeError where a symbolic tensor of strings is given to what takes numbers.

    Args:
        taker: what takes them, as the message calls it.
    """
    for tensor in tensors_in(structure):
        if tensor.dtype == STRING:
            raise TypeError(
                f"{taker} takes numbers, and {tensor.name!r} is strings. Put a layer between them that makes numbers of strings: "
                "TextVectorization, StringLookup or Hashing."
            )


def shapes_of(structure):
    """The shapes of the tensors and arrays in a nest, as text."""
    leaves = jax.tree.leaves(structure, is_leaf=is_symbolic)
    shapes = [str(tuple(leaf.shape)) for leaf in leaves if hasattr(leaf, "shape")]
    return f"shape{'s' * (len(shapes) != 1)} {', '.join(shapes) or '(none)'}"


def specs_of(shape, dtype):
    """A symbolic tensor of this shape, or the structure of them for a structure of shapes."""
    if isinstance(shape, tuple | list) and all(n is None or isinstance(n, int | np.integer) for n in shape):
        return SymbolicTensor(shape, dtype)
    if isinstance(shape, dict):
        return {k: specs_of(v, dtype) for k, v in shape.items()}
    return type(shape)(specs_of(s, dtype) for s in shape)


def record(operation, args, kwargs, spec):
    """Enter a call in the graph and return its outputs.

    Args:
        operation: what runs: a layer or a `Function`; has `.name`.
        args, kwargs: as given, symbolic tensors among them.
        spec: a structure of objects with `shape` (None allowed) and `dtype`: what the call returns.
    """
    node = Node(operation, args, kwargs)
    leaves, tree = jax.tree.flatten(spec, is_leaf=lambda leaf: hasattr(leaf, "dtype"))
    outputs = [SymbolicTensor(s.shape, s.dtype, operation.name, node, i) for i, s in enumerate(leaves)]
    node.outputs, node.result = outputs, jax.tree.unflatten(tree, outputs)
    return node.result


def apply(function, *args, **kwargs):
    """Call any JAX function on arguments that may hold symbolic tensors and variables.

    With none of them symbolic this is `function(*args, **kwargs)`, each variable read. Otherwise the call is recorded in the
    graph, which reads the variables whenever it runs.
    """
    if not any_symbolic((args, kwargs)):
        return function(*resolved(args), **resolved(kwargs))
    if function is get_item and is_symbolic(args[0]) and args[0].dtype == STRING:
        return _part_of_strings(*args)
    refuse_strings(f"The function {getattr(function, '__name__', repr(function))}", (args, kwargs))
    try:
        spec = infer(function, args, kwargs)
    except Exception as error:
        name = getattr(function, "__name__", repr(function))
        error.add_note(f"In {name} of symbolic tensors of {shapes_of((args, kwargs))}.")
        raise
    return record(Function(function), args, kwargs, spec)


def _part_of_strings(tensor, index):
    """A part of a tensor of strings, which the host takes."""
    spec = infer(get_item, (SymbolicTensor(tensor.shape, "int32"), index), {})
    return record(Function(get_item), (tensor, index), {}, SymbolicTensor(spec.shape, STRING))


def infer(function, args, kwargs):
    """The shapes and dtypes that `function` returns for symbolic arguments, unknown axes as None.

    The function is traced, never run: once with each of two sizes in place of None. What differs is unknown.
    """
    unknown = any(None in t.shape for t in tensors_in((args, kwargs)))
    try:
        specs = [_infer_with(function, args, kwargs, size) for size in (_STAND_INS if unknown else _STAND_INS[:1])]
    except Exception as error:
        if unknown:
            error.add_note(f"While shapes are inferred, the sizes {_STAND_INS[0]} and {_STAND_INS[1]} stand for None.")
        raise

    def merge(*found):
        shapes = zip(*(f.shape for f in found), strict=True)
        return SymbolicTensor([sizes[0] if len(set(sizes)) == 1 else None for sizes in shapes], found[0].dtype)

    return jax.tree.map(merge, *specs)


def _infer_with(function, args, kwargs, size):
    tensors, rebuild = separate((args, kwargs))
    specs = [jax.ShapeDtypeStruct([size if n is None else n for n in t.shape], t.dtype) for t in tensors]

    def call(arrays):
        inner_args, inner_kwargs = resolved(rebuild(arrays))
        return function(*inner_args, **inner_kwargs)

    with variable.scope([], []):  # what a traced call writes is dropped
        return jax.eval_shape(call, specs)


def separate(structure):
    """The symbolic tensors of a nest, and a function that puts other values in their places."""
    leaves, tree = jax.tree.flatten(structure, is_leaf=lambda leaf: is_symbolic(leaf) or leaf is None)
    places = [i for i, leaf in enumerate(leaves) if is_symbolic(leaf)]

    def rebuild(values):
        filled = list(leaves)
        for place, value in zip(places, values, strict=True):
            filled[place] = value
        return jax.tree.unflatten(tree, filled)

    return [leaves[i] for i in places], rebuild


def get_item(x, index):
    return x[index]


def _operator(function, swapped=False):
    def operate(self, other):
        takes = SymbolicTensor | Operators | bool | int | float | complex | np.ndarray | np.generic | jax.Array
        if not isinstance(other, takes):
            if not hasattr(other, "__jax_array__"):
                return NotImplemented
            other = jnp.asarray(other)
        return apply(function, other, self) if swapped else apply(function, self, other)

    return operate


def _equal(self, other):
    """Entries that equal those of an array or a number. Two tensors are one or not, so that `tensor in tensors` asks what it says;
    for their entries there is `ops.equal`."""
    return NotImplemented if is_symbolic(other) else _operator(jnp.equal)(self, other)


_DUNDERS = {"subtract": "sub", "multiply": "mul", "true_divide": "truediv", "floor_divide": "floordiv", "power": "pow"}
for _name in ("add", "mod", "matmul", *_DUNDERS):
    _short = _DUNDERS.get(_name, _name)
    setattr(SymbolicTensor, f"__{_short}__", _operator(getattr(jnp, _name)))
    setattr(SymbolicTensor, f"__r{_short}__", _operator(getattr(jnp, _name), swapped=True))
_COMPARISONS = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "ne": "not_equal"}
for _short, _name in _COMPARISONS.items():
    setattr(SymbolicTensor, f"__{_short}__", _operator(getattr(jnp, _name)))
SymbolicTensor.__eq__ = _equal
for _short in ("and", "or", "xor"):
    setattr(SymbolicTensor, f"__{_short}__", _operator(getattr(jnp, f"bitwise_{_short}")))
    setattr(SymbolicTensor, f"__r{_short}__", _operator(getattr(jnp, f"bitwise_{_short}"), swapped=True))
SymbolicTensor.__invert__ = lambda self: apply(jnp.invert, self)
SymbolicTensor.__neg__ = lambda self: apply(jnp.negative, self)
SymbolicTensor.__pos__ = lambda self: apply(jnp.positive, self)
SymbolicTensor.__abs__ = lambda self: apply(jnp.abs, self)
SymbolicTensor.__round__ = lambda self, ndigits=None: apply(jnp.round, self, ndigits or 0)
