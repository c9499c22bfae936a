"""Nested structures of arrays as data plans know them: tuples and dicts nest, a list is an array, None is nothing."""

import numpy as np


def map_leaves(function, *structures):
    """`function` on corresponding leaves; the structure of the first is kept."""
    first = structures[0]
    if isinstance(first, tuple):
        if len(structures) == 1:
            mapped = [map_leaves(function, item) for item in first]
        else:
            mapped = [map_leaves(function, *items) for items in zip(*structures, strict=True)]
        return type(first)(*mapped) if hasattr(first, "_fields") else tuple(mapped)
    if isinstance(first, dict):
        return {key: map_leaves(function, *(s[key] for s in structures)) for key in first}
    return None if first is None else function(*structures)


def leaves(structure):
    """The leaves in order."""
    if isinstance(structure, tuple):
        return [leaf for item in structure for leaf in leaves(item)]
    if isinstance(structure, dict):
        return [leaf for item in structure.values() for leaf in leaves(item)]
    return [] if structure is None else [structure]


def fill(structure, values):
    """`structure` with its leaves replaced by `values`, in order."""
    remaining = iter(values)
    return map_leaves(lambda _: next(remaining), structure)


def named_leaves(structure, name):
    """(name, leaf) pairs; the name says where in the structure a leaf stands, for messages."""
    if isinstance(structure, tuple):
        return [pair for i, item in enumerate(structure) for pair in named_leaves(item, f"{name}[{i}]")]
    if isinstance(structure, dict):
        return [pair for key, item in structure.items() for pair in named_leaves(item, f"{name}[{key!r}]")]
    return [] if structure is None else [(name, structure)]


def same_structure(first, second):
    """Whether two structures nest alike."""
    if isinstance(first, tuple):
        return isinstance(second, tuple) and len(first) == len(second) and all(map(same_structure, first, second))
    if isinstance(first, dict):
        return (
            isinstance(second, dict)
            and first.keys() == second.keys()
            and all(same_structure(value, second[key]) for key, value in first.items())
        )
    return not isinstance(second, tuple | dict) and (first is None) == (second is None)


def described(structure):
    """What kind of structure it is, for messages."""
    if isinstance(structure, tuple):
        return f"a tuple of {len(structure)}"
    if isinstance(structure, dict):
        return f"a dict of {sorted(structure, key=str)}"
    return "None" if structure is None else "one array"


def stack(elements):
    """One element whose leaves are those of `elements` along a new first axis.

    Raises:
        ValueError: the elements' shapes differ.
    """

    def join(*values):
        arrays = [np.asarray(v) for v in values]
        shapes = {a.shape for a in arrays}
        if len(shapes) > 1:
            raise ValueError(
                f"Cannot batch elements of different shapes: {sorted(shapes)[0]} and {sorted(shapes)[1]}. Use padded_batch, or "
                "map them to one shape first."
            )
        return np.stack(arrays)

    return map_leaves(join, *elements)
