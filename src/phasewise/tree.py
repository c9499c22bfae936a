"""Nests of tuples, lists and dicts (Keras's `tree`): walked, mapped, compared, flattened and made again.

None is a leaf. Dicts are walked in the order of their sorted keys, an `OrderedDict` in its own. A class that is registered with
`jax.tree_util` is a nest, too.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax

from phasewise.core.types import Nest

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:
    """What a function given to `traverse` returns for None, since None itself says "as it was"."""


def _is_none(leaf):
    return leaf is None


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a nest, an empty one too, and no leaf."""
    return not jax.tree_util.all_leaves([structure], is_leaf=_is_none)


def flatten(structure: Nest) -> list[Any]:
    """The leaves in order."""
    return jax.tree.leaves(structure, is_leaf=_is_none)


def flatten_with_path(structure: Nest) -> list[tuple[tuple[Any, ...], Any]]:
    """Pairs (path, leaf) in order; a path is a tuple of keys, numbers and names of attributes."""
    if not is_nested(structure):
        return [((), structure)]
    return [((step, *path), leaf) for step, part in _children(structure) for path, leaf in flatten_with_path(part)]


def _step(entry):
    return next(getattr(entry, name) for name in ("key", "idx", "name") if hasattr(entry, name))


def pack_sequence_as(structure: Nest, flat_sequence: Iterable[Any]) -> Nest:
    """A nest like `structure` with other leaves, in order.

    Raises:
        ValueError: there are more or fewer than it has.
    """
    leaves, form = list(flat_sequence), jax.tree.structure(structure, is_leaf=_is_none)
    if len(leaves) != form.num_leaves:
        raise ValueError(f"pack_sequence_as needs {form.num_leaves} leaves for this structure; got {len(leaves)}.")
    return jax.tree.unflatten(form, leaves)


def map_structure(func: Callable[..., Any], *structures: Nest, none_is_leaf: bool = True) -> Nest:
    """A nest like the first with what `func` returns for the leaves that stand at one place.

    Args:
        func: takes as many arguments as there are structures.
        none_is_leaf: whether None is handed to `func`; if not, it stays.

    Raises:
        ValueError: there is no structure, or they differ.
    """
    if not structures:
        raise ValueError("map_structure needs at least one structure; got none.")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return jax.tree.map(func, *structures, is_leaf=_is_none if none_is_leaf else None)


def map_structure_up_to(shallow_structure: Nest, func: Callable[..., Any], *structures: Nest) -> Nest:
    """As `map_structure` down to the leaves of `shallow_structure` only: `func` gets what stands there, nests too.

    Raises:
        ValueError: there is no structure, or one does not begin as the shallow one.
    """
    if not structures:
        raise ValueError("map_structure_up_to needs at least one structure beside the shallow one; got none.")
    return jax.tree.map(lambda _, *parts: func(*parts), shallow_structure, *structures, is_leaf=_is_none)


def map_shape_structure(func: Callable[[Any], Any], structure: Nest) -> Nest:
    """As `map_structure` for a nest of shapes: a tuple or list of numbers and None is a leaf."""
    return jax.tree.map(func, structure, is_leaf=lambda leaf: leaf is None or _is_shape(leaf))


def _is_shape(leaf):
    return isinstance(leaf, tuple | list) and all(n is None or isinstance(n, int) for n in leaf)


def assert_same_structure(a: Nest, b: Nest, check_types: Any = None) -> None:
    """Nothing, if two nests have the same form: the same kinds of nests with the same keys and lengths. Dicts of all kinds are one.

    Args:
        check_types: accepted; Keras has given it up.

    Raises:
        ValueError: they differ; the message says where.
    """
    found = _difference(a, b, ())
    if found:
        raise ValueError(f"The structures differ {found}.")


def _difference(a, b, path):
    where = f"at {_shown(path)}" if path else "at the top"
    if is_nested(a) != is_nested(b):
        return f"{where}: {type(a).__name__} and {type(b).__name__}"
    if not is_nested(a):
        return None
    if not (isinstance(a, Mapping) and isinstance(b, Mapping)) and type(a) is not type(b):
        return f"{where}: {type(a).__name__} and {type(b).__name__}"
    first, second = (dict(_children(each)) for each in (a, b))
    if set(first) != set(second):
        return f"{where}: {_keys(a, first)} and {_keys(b, second)}"
    return next((text for key in first if (text := _difference(first[key], second[key], (*path, key)))), None)


def _keys(structure, children):
    return f"the keys {sorted(map(str, children))}" if isinstance(structure, Mapping) else f"{len(children)} entries"


def _shown(path):
    return "".join(f"[{step!r}]" for step in path)


def _children(structure):
    """Pairs (step, part) of a nest."""
    pairs, _ = jax.tree_util.tree_flatten_with_path(structure, is_leaf=lambda leaf: leaf is not structure)
    if isinstance(structure, tuple):  # one with names, too, is walked by number
        return list(enumerate(structure))
    return [(_step(path[0]), part) for path, part in pairs]


def assert_same_paths(a: Nest, b: Nest) -> None:
    """Nothing, if two nests have their leaves at the same paths, of whatever kind they are.

    Raises:
        ValueError: they have not; the message names the paths that only one has.
    """
    first, second = ({path for path, _ in flatten_with_path(each)} for each in (a, b))
    if first != second:
        only = [f"only in {name}: {', '.join(map(_shown, sorted(paths, key=str)))}" for name, paths in
                (("the first", first - second), ("the second", second - first)) if paths]  # fmt: skip
        raise ValueError(f"The structures have their leaves at other paths: {'; '.join(only)}.")


def traverse(func: Callable[[Any], Any], structure: Nest, top_down: bool = True) -> Nest:
    """A nest in which `func` has replaced what it would.

    Args:
        func: is given every nest and every leaf, and returns None for what stays, `MAP_TO_NONE` for None, or what takes its place.
        structure: nest.
        top_down: whether a nest is looked at before its parts, which are then not looked at if it is replaced; else after them.
    """
    if top_down:
        replaced = func(structure)
        if replaced is not None:
            return None if replaced is MAP_TO_NONE else replaced
    if is_nested(structure):
        _, form = jax.tree.flatten(structure, is_leaf=lambda leaf: leaf is not structure)
        structure = jax.tree.unflatten(form, [traverse(func, part, top_down) for _, part in _children(structure)])
    if top_down:
        return structure
    replaced = func(structure)
    if replaced is None:
        return structure
    return None if replaced is MAP_TO_NONE else replaced


def lists_to_tuples(structure: Nest) -> Nest:
    """The nest with tuples for lists."""
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)
