"""How ranges stand in a config where Keras takes the same pair of numbers for something else: a pair in a config has Keras's meaning."""

from collections.abc import Sequence
from typing import Any

Range = tuple[float, float]


def by_name(pair: Range) -> dict[str, float]:
    """A range of which Keras has no like: as a dict, which Keras refuses instead of drawing from another range."""
    lower, upper = pair
    return {"lower": lower, "upper": upper}


def read_by_name(value: Any) -> Any:
    """The pair that `by_name` wrote; anything else as it is."""
    return (value["lower"], value["upper"]) if isinstance(value, dict) and set(value) == {"lower", "upper"} else value


def is_pair(value: Any) -> bool:
    """Whether a value of a config is a list or tuple of two numbers."""
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
