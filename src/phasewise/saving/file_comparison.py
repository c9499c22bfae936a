"""How the weights of a file differ from those of a model, object by object."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from phasewise.models.table import fitted
from phasewise.saving.weights_tree import Tree, is_object


class Difference(NamedTuple):
    """Where one is, and what each side has there: an object, a weight's shape, or None."""

    path: str
    in_file: Any
    in_model: Any


def differences(in_file: Tree, in_model: Tree) -> tuple[list[Difference], int]:
    """All of them, and how many weights match. An object that one side lacks is one difference, whatever it holds."""
    found, matches = [], 0
    for path, mine, other in _pairs(in_file, in_model, ""):
        if mine is not None and mine == other:
            matches += 1
        else:
            found.append(Difference(path, mine, other))
    return found, matches


def _pairs(in_file, in_model, path) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys([*in_model, *in_file]):
        mine, other = in_file.get(key), in_model.get(key)
        if is_object(mine) and is_object(other):
            yield from _pairs(mine, other, f"{path}/{key}")
        else:
            yield f"{path}/{key}", _shape(mine), _shape(other)


def _shape(value):
    return value if value is None or is_object(value) else tuple(getattr(value, "shape", value))


def as_text(file: str, model: str, found: list[Difference], matches: int) -> str:
    """What a person is told."""
    matching = f"{matches} {'weight matches' if matches == 1 else 'weights match'}"
    if not found:
        return f"{file!r} fits the model {model!r}: {matching}."
    rows = [[path, _described(mine), _described(other)] for path, mine, other in found]
    count = f"{len(found)} {'difference' if len(found) == 1 else 'differences'}"
    table = fitted(None, ["Where", "In the file", "In the model"], rows, least=[]).lstrip("\n")
    return f"{file!r} does not fit the model {model!r}: {count}; {matching}.\n\n{table}"


def _described(value):
    if value is None:
        return "-"
    if not is_object(value):
        return str(value)
    count = _size(value)
    return f"{count} {'weight' if count == 1 else 'weights'}"


def _size(value):
    return sum(map(_size, value.values())) if is_object(value) else 1
