"""The weights of a file as a dict of dicts: one for each object, with its arrays and the objects inside it."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from phasewise.core.variable import Variable
from phasewise.files.file_error import FileError
from phasewise.files.skeleton import Group
from phasewise.files.stored_weights import StoredWeights

Tree = dict[str, Any]
Names = dict[str, dict[str, str]]


def tree_of(stored: StoredWeights) -> tuple[Tree, Names]:
    """What a file has, all of it read, and what it calls its objects: {"/path": {"name": name}}.

    Raises:
        FileError: an array cannot be read, or a name is no text.
    """
    tree = {}
    for path in stored.paths():
        _check_text(stored, path, *stored.arrays(path))
        held = {key: array.read() for key, array in sorted(stored.arrays(path).items(), key=_by_number)}
        inside(tree, path).update(held)
    names = {path: stored.name(path) for path, _ in objects_in(tree) if path}
    return tree, {f"/{path}": {"name": name} for path, name in names.items() if name is not None}


def nested(by_path: Mapping[str, Mapping[str, Any]]) -> Tree:
    """A tree of what stands at each path."""
    tree = {}
    for path, held in by_path.items():
        inside(tree, path).update(held)
    return tree


def inside(tree: Tree, path: str) -> Tree:
    """The object at a path, made where there is none."""
    for part in filter(None, path.split("/")):
        tree = tree.setdefault(part, {})
    return tree


def groups_of(tree: Tree, names: Names) -> list[Group]:
    """The groups that a file of weights has for a tree.

    Raises:
        ValueError: an object or a weight has a name that a file cannot hold.
        TypeError: a weight is no array of numbers.
    """
    groups = []
    for path, held in objects_in(tree):
        arrays = {
            checked_name(key): checked_array(f"{path}/{key}", value)
            for key, value in held.items()
            if not is_object(value)
        }
        told = names.get(f"/{path}", {}).get("name")
        if arrays or told is not None:
            groups.append(Group(f"{path}/vars".lstrip("/"), told or path.rpartition("/")[2], arrays))
    return groups


def objects_in(tree: Tree, path: str = "") -> Iterator[tuple[str, Tree]]:
    """(path, object) of all of them, the outermost, at "", first."""
    yield path, tree
    for key, value in tree.items():
        if is_object(value):
            yield from objects_in(value, f"{path}/{checked_name(key)}".lstrip("/"))


def is_object(value: Any) -> bool:
    """Whether an entry is an object and no weight."""
    return isinstance(value, Mapping)


def checked_weights(weights: Any) -> Tree:
    """A dict of arrays, and of dicts of them for objects inside, as a tree has it.

    Raises:
        ValueError: it is no dict, or a name in it is none that a file can hold.
        TypeError: a weight is no array of numbers.
    """
    if not isinstance(weights, Mapping):
        raise ValueError(f"weights is a dict of names, '0', '1' and so on, and arrays; got {type(weights).__name__}.")
    return {
        checked_name(key): checked_weights(value) if is_object(value) else checked_array(key, value)
        for key, value in weights.items()
    }


def checked_name(name: Any) -> str:
    """A name of an object or a weight.

    Raises:
        ValueError: a file cannot hold it.
    """
    if not isinstance(name, str) or not name or "/" in name or "\0" in name or name in (".", "..", "vars"):
        raise ValueError(
            f"{name!r} is no name for an object or a weight in a file: it is a string without '/', and not '.', '..' or 'vars'."
        )
    return name


def checked_array(where: str, value: Any) -> np.ndarray:
    """A weight as an array.

    Raises:
        TypeError: it is none of numbers.
    """
    if isinstance(value, np.ndarray) and value.dtype.metadata:  # strings, as they were read
        return value
    array = np.asarray(value.value if isinstance(value, Variable) else value)
    if array.dtype.kind not in "biufc" and not jax.numpy.issubdtype(array.dtype, np.number):
        raise TypeError(f"The weight {where!r} is an array of numbers; got {value!r}.")
    return array


def _check_text(stored, *names):
    for name in names:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise FileError(f"{stored.title!r} has a name {name!r} in it that is no text.") from None


def _by_number(item):
    name = item[0]
    is_number = name.isascii() and name.isdigit()
    return not is_number, int(name) if is_number and len(name) < 10 else 0, name
