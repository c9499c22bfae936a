"""Do queries, keys, values and masks fit each other? Told by name."""

from typing import Any

from phasewise.core.types import Array, Shape


def check_ranks(layer: Any, query: Shape, value: Shape, key: Shape, rank: int | None = None) -> None:
    """Raises ValueError when the inputs have too few axes, or not the same number, or where their features are unknown.

    Args:
        layer: it has a name.
        query, value, key: shapes, None for unknown axes.
        rank: the number of axes that the layer takes; None: at least 3.
    """
    shapes = {"query": query, "value": value, "key": key}
    least = rank or 3
    for name, shape in shapes.items():
        if len(shape) < least or (rank and len(shape) > rank):
            wanted = f"{'' if rank else 'at least '}{least} axes (batch, places, features)"
            raise ValueError(f"{_of(layer)} takes a {name} with {wanted}; got shape {tuple(shape)}.")
        if len(shape) != len(query):
            raise ValueError(
                f"{_of(layer)} takes query, value and key with the same number of axes; got a query of shape {tuple(query)} and a "
                f"{name} of shape {tuple(shape)}."
            )


def check_features(layer: Any, query: Shape, value: Shape, key: Shape) -> None:
    """Raises ValueError where the size of a last axis is unknown."""
    for name, shape in (("query", query), ("value", value), ("key", key)):
        if shape[-1] is None:
            raise ValueError(
                f"{_of(layer)} needs a known last axis; its {name} has shape {tuple(shape)}. Give that size in Input."
            )


def check_shapes(layer: Any, query: Shape, value: Shape, key: Shape, attended: tuple[int, ...]) -> None:
    """Raises ValueError when value and key have other places, or query and value other sizes on an axis that is not attended over.

    Args:
        attended: the axes over which the layer attends.
    """
    if not _agree(value[:-1], key[:-1]):
        raise ValueError(
            f"{_of(layer)} needs a value for each key: all axes but the last agree; got a value of shape {tuple(value)} and a key of "
            f"shape {tuple(key)}."
        )
    for axis in range(len(query) - 1):
        if axis not in attended and not _agree(query[axis : axis + 1], value[axis : axis + 1]):
            what = (
                "the same number of rows"
                if axis == 0
                else f"the same size on axis {axis}, over which it does not attend"
            )
            raise ValueError(
                f"{_of(layer)} needs query and value of {what}; got a query of shape {tuple(query)} and a value of shape {tuple(value)}."
            )


def check_widths(layer: Any, query: Shape, key: Shape) -> None:
    """Raises ValueError when query and key are vectors of different sizes."""
    if not _agree(query[-1:], key[-1:]):
        raise ValueError(
            f"{_of(layer)} compares queries and keys of the same size; got a query of shape {tuple(query)} and a key of shape {tuple(key)}."
        )


def check_mask(layer: Any, name: str, mask: Array, array: Array) -> None:
    """Raises ValueError when the mask of the places of `array` has not its first axes."""
    shape, places = tuple(mask.shape), tuple(array.shape[:-1])
    if not shape or len(shape) > len(places) or any(m not in (1, n) for m, n in zip(shape, places)):
        raise ValueError(
            f"{_of(layer)} was given a {name} of shape {shape} for an input of shape {tuple(array.shape)}: a boolean one of shape {places} "
            "says which places are no padding."
        )


def check_pair_mask(layer: Any, mask: Array, layout: Any, scores: Shape) -> None:
    """Raises ValueError when an attention mask does not broadcast against scores.

    Args:
        layout: a `ScoreLayout`.
        scores: their shape.
    """
    shape, pairs = tuple(mask.shape), 2 * len(layout.axes)
    full = (*shape[: len(shape) - pairs], *(1,) * (len(scores) - len(shape)), *shape[len(shape) - pairs :])
    if not pairs <= len(shape) <= len(scores) or any(m not in (1, n) for m, n in zip(full, scores)):
        without_heads = (*scores[: -pairs - 1], *scores[-pairs:])
        raise ValueError(
            f"{_of(layer)} was given an attention_mask of shape {shape}; its scores have shape {scores}. The mask is boolean and says which "
            f"query may look at which key: {without_heads}, or {scores[-pairs:]} for all rows alike; sizes of 1 broadcast."
        )


def _agree(a, b):
    return len(a) == len(b) and all(None in pair or pair[0] == pair[1] for pair in zip(a, b))


def _of(layer):
    return f"{type(layer).__name__} {layer.name!r}"
