"""What an exported program takes: the structure, names, sizes and dtypes of its inputs, sizes that are left open as symbols."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from phasewise.core.naming import distinct
from phasewise.core.types import Nest
from phasewise.graph import symbolic
from phasewise.layer.input_spec import InputSpec

ROWS = "batch"  # the symbol for the number of rows, which all inputs share


class Slot(NamedTuple):
    """One input.

    Attributes:
        name: str.
        shape: tuple of int, None where the size is left open.
        dtype: name.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Signature(NamedTuple):
    """The inputs of a program: `slots` in the order of the leaves of `tree`, in which dicts go by sorted keys."""

    slots: list[Slot]
    tree: Any

    @property
    def has_open_axes(self) -> bool:
        """Whether sizes beside the number of rows are left open."""
        return any(None in slot.shape[1:] for slot in self.slots)

    def specs(self, least: int = 1, are_shared: bool = False) -> tuple[Nest, list[str]]:
        """The inputs as `jax.ShapeDtypeStruct`s with symbols for what is left open, and the bounds of these in JAX's words.

        Args:
            least: what every open size beside the number of rows is at least.
            are_shared: whether all inputs have one symbol for an axis; else each has its own.
        """
        from jax import export

        are_shared = are_shared or len(self.slots) == 1
        symbols = [[_symbol(slot, axis, are_shared) for axis in range(len(slot.shape))] for slot in self.slots]
        names = sorted({name for names in symbols for name in names if name is not None})
        bounds = [f"{name} >= {least}" for name in names if name != ROWS and least > 1]
        sizes = dict(zip(names, export.symbolic_shape(",".join(names), constraints=bounds))) if names else {}
        leaves = [
            jax.ShapeDtypeStruct([n if name is None else sizes[name] for n, name in zip(slot.shape, own)], slot.dtype)
            for slot, own in zip(self.slots, symbols)
        ]
        return jax.tree.unflatten(self.tree, leaves), bounds

    def example(self, size: int = 32, rows: int = 32) -> Nest:
        """The inputs as `jax.ShapeDtypeStruct`s, with so many rows where their number is open and `size` for every other open size."""
        leaves = [
            jax.ShapeDtypeStruct([(size if i else rows) if n is None else n for i, n in enumerate(s.shape)], s.dtype)
            for s in self.slots
        ]
        return jax.tree.unflatten(self.tree, leaves)


def _symbol(slot, axis, are_shared):
    if slot.shape[axis] is not None:
        return None
    if axis == 0:
        return ROWS
    owner = "" if are_shared else "_" + re.sub(r"\W", "_", slot.name)
    return f"size{axis}{owner}"


def signature_of(model: Any, given: Nest = None) -> Signature:
    """The `Signature` of a built model.

    Args:
        model: a model.
        given: `input_signature`: in the structure of the model's inputs, or in a list of that alone as Keras has it: `InputSpec`s,
            arrays, symbolic tensors, or whatever has a shape and a dtype. None: as the model was built, rows left open, and sizes that
            `Input` left open.

    Raises:
        TypeError: a leaf of `given` has no shape.
        ValueError: its structure is not that of the model's inputs.
    """
    own = _of_graph(model) if model._graph else _of_seen(model)
    if given is None:
        return own
    leaves, tree = jax.tree.flatten(given, is_leaf=is_leaf)
    if tree != own.tree and isinstance(given, list | tuple) and len(given) == 1:
        leaves, tree = jax.tree.flatten(given[0], is_leaf=is_leaf)
    if tree != own.tree:
        raise ValueError(
            f"`input_signature` must have the structure of the inputs of {model.name!r}, {_told(own)}; got {given!r}."
        )
    return Signature([_slot(leaf, slot) for leaf, slot in zip(leaves, own.slots)], own.tree)


def names_of_outputs(model: Any, outputs: Nest) -> list[str]:
    """A name for each output, in the order of the leaves: those of a functional model, else where it stands in the structure."""
    leaves = jax.tree.leaves(outputs)
    names = model._output_names if len(model._output_names or ()) == len(leaves) else _paths(outputs, "output")
    return distinct(names)


def names_of_leaves(structure: Nest, word: str) -> list[str]:
    """A name for each leaf of inputs or outputs: the keys and places that lead to it, and `word` where it is alone."""
    return distinct(_paths(structure, word))


def slot(leaf: Any, name: str) -> Slot:
    """The `Slot` that a leaf of an `input_signature` describes.

    Raises:
        TypeError: it has no shape.
    """
    shape = getattr(leaf, "shape", None)
    if shape is None:
        raise TypeError(
            f"`input_signature` takes phasewise.InputSpec(shape=(None, ...), dtype=...) or arrays; for {name!r} it has {leaf!r}."
        )
    return Slot(name, tuple(shape), str(getattr(leaf, "dtype", None) or "float32"))


def _of_graph(model):
    tensors, tree = jax.tree.flatten(model.input, is_leaf=symbolic.is_symbolic)
    names = _paths(model.input, "input") if isinstance(model.input, dict) else [t.name for t in tensors]
    slots = [Slot(name, t.shape, t.dtype) for name, t in zip(distinct(names), tensors)]
    return Signature(slots, tree)


def _of_seen(model):
    """Of a model without a graph: the shapes that it was built for, rows left open."""
    seen = model._example_spec()
    leaves, tree = jax.tree.flatten(seen)
    names = distinct(_paths(seen, "input"))
    return Signature(
        [Slot(n, (None, *leaf.shape[1:]) if leaf.shape else (), str(leaf.dtype)) for n, leaf in zip(names, leaves)],
        tree,
    )


def _paths(structure, word):
    """A name for each leaf: the keys and places that lead to it."""
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(structure, is_leaf=is_leaf)[0]]
    return [
        "_".join(map(_key, path)) if _begins_with_word(path) else "_".join([word, *map(_key, path)]) for path in paths
    ]


def _begins_with_word(path: Sequence[Any]) -> bool:
    return bool(path) and isinstance(getattr(path[0], "key", None), str)


def _key(part):
    return str(getattr(part, "key", getattr(part, "idx", part)))


def is_leaf(item: Any) -> bool:
    """Whether a part of an `input_signature` is that of one input."""
    return isinstance(item, InputSpec) or hasattr(item, "shape")


def _slot(leaf, own):
    given = slot(leaf, own.name)
    if len(given.shape) != len(own.shape):
        raise ValueError(
            f"`input_signature` gives {own.name!r} the shape {given.shape}; the model takes {len(own.shape)} axes, {own.shape}."
        )
    return given._replace(dtype=str(getattr(leaf, "dtype", None) or own.dtype))


def _told(signature):
    return str(jax.tree.unflatten(signature.tree, [slot.shape for slot in signature.slots]))
