"""Arguments that are a range from which is drawn: a number or a pair."""

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from phasewise.layer.layer import Layer


def check_factor(least: float, most: float, *, above: bool = False) -> Callable[[Layer, str, Any], tuple[float, float]]:
    """The rule that a value is a range within [least, most]: a pair in any order, or one number f for [-f, f], no lower than `least`.

    Args:
        least, most: the bounds.
        above: whether `least` itself is out of bounds.

    The rule returns the pair (lower, upper), and raises ValueError for anything else. Keras takes pairs that lie half outside of the
    bounds; here they are refused.
    """

    def check(layer, name, value):
        is_pair = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)
        numbers_given = list(value) if is_pair else [value]
        if len(numbers_given) != 1 + is_pair or not all(map(inside, numbers_given)):
            bounds = f"{'(' if above else '['}{least:g}, {most:g}]"
            raise ValueError(
                f"{type(layer).__name__}'s {name} is a number in {bounds}, or a pair of them, the lowest and the highest that is drawn; "
                f"got {value!r}."
            )
        if is_pair:
            lower, upper = sorted(map(float, numbers_given))
            return lower, upper
        return max(-abs(float(value)), float(least)) + 0.0, abs(float(value))  # 0 in place of -0

    def inside(number):
        is_number = isinstance(number, numbers.Real) and not isinstance(number, bool | np.bool_)
        return is_number and least <= number <= most and not (above and number == least)

    return check


def as_given(rule: Callable[..., tuple[float, float]]) -> Callable[[Layer, str, Any], float | tuple[float, float]]:
    """The rule `rule` of a range, by which one number stays one: Keras's config of such an argument holds what was given."""

    def check(layer, name, value):
        pair = rule(layer, name, value)
        return pair if hasattr(value, "__len__") else float(value) + 0.0  # 0 in place of -0

    return check


def bounds(value: float | tuple[float, float], least: float = -1) -> tuple[float, float]:
    """The range (lower, upper) that a value of `as_given` stands for: one number f for (-f, f), no lower than `least`."""
    return value if isinstance(value, tuple) else (max(-abs(value), least) + 0.0, abs(value))


def check_value_range(layer: Layer, name: str, value: Any) -> tuple[float, float]:
    """The rule that a value is the range of an image's values: a pair of numbers, the lower first.

    Raises:
        ValueError: it is not.
    """
    pair = list(value) if isinstance(value, list | tuple | np.ndarray) else []
    if len(pair) != 2 or not all(isinstance(n, numbers.Real) and np.isfinite(n) for n in pair) or not pair[0] < pair[1]:
        raise ValueError(
            f"{type(layer).__name__}'s {name} is the pair (lowest, highest) of the values of the images, as (0, 255) or (0, 1); got "
            f"{value!r}."
        )
    return tuple(value)


def check_fraction(layer: Layer, name: str, value: Any) -> float:
    """The rule that a value is a number in [0, 1].

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_) or not 0 <= value <= 1:
        raise ValueError(f"{type(layer).__name__}'s {name} is a number in [0, 1]; got {value!r}.")
    return float(value)


def check_positive(layer: Layer, name: str, value: Any) -> float:
    """The rule that a value is a finite number above 0.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not (np.isfinite(value) and value > 0):
        raise ValueError(f"{type(layer).__name__}'s {name} must be a finite number above 0; got {value!r}.")
    return value


def check_count(least: int) -> Callable[[Layer, str, Any], int]:
    """The rule that a value is an integer of at least `least`."""

    def check(layer, name, value):
        if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
            raise ValueError(f"{type(layer).__name__}'s {name} must be an integer of at least {least}; got {value!r}.")
        return int(value)

    return check
