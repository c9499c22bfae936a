"""What arguments that many constructors share must be."""

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise.core import defaults
from phasewise.core.registry import one_of


def check_flag(owner: str, name: str, value: Any) -> bool:
    """`value` as a bool.

    Raises:
        ValueError: it is no bool, nor 0 or 1. A text like "no" would count as true.
    """
    if isinstance(value, bool | np.bool_) or (isinstance(value, numbers.Integral) and value in (0, 1)):
        return bool(value)
    raise ValueError(f"{owner}'s {name} is True or False; got {value!r}.")


def check_count(owner: str, name: str, value: Any, least: int = 1) -> int:
    """`value` as an int of at least `least`.

    Raises:
        ValueError: it is no integer, or below.
    """
    if is_count(value, least):
        return int(value)
    raise ValueError(f"{owner}'s {name} must be {_count(least)}; got {value!r}.")


def check_sizes(owner: str, name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """`value` as a tuple of one int of at least `least` for each of `axes` axes, from one for all or one for each.

    Raises:
        ValueError: it is neither.
    """
    sizes = list(value) if is_sequence(value) else [value] * axes
    if len(sizes) == axes and all(is_count(size, least) for size in sizes):
        return tuple(map(int, sizes))
    several = f"a tuple of {axes} of them" if axes > 1 else "a tuple of one"
    raise ValueError(f"{owner}'s {name} must be {_count(least)} or {several}; got {value!r}.")


def check_word(owner: str, name: str, value: Any, words: Sequence[str]) -> str:
    """`value`, written in any case, when it is one of `words`.

    Raises:
        ValueError: it is not; the message names the nearest.
    """
    return one_of(owner, name, value.lower() if isinstance(value, str) else value, words)


def check_data_format(owner: str, name: str, value: str | None) -> str:
    """The data format, written in any case; None is `phasewise.backend.image_data_format()`.

    Raises:
        ValueError: it is neither "channels_last" nor "channels_first".
    """
    return defaults.image_data_format() if value is None else check_word(owner, name, value, defaults.DATA_FORMATS)


def is_count(value: Any, least: int = 0) -> bool:
    """Whether a value is an integer of at least `least`; True and False are none."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_) and value >= least


def is_sequence(value: Any) -> bool:
    """Whether a value is a list, a tuple or an array with axes."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _count(least):
    return "a positive integer" if least == 1 else f"an integer of at least {least}"


def check_integers(owner: str, name: str, value: Any) -> tuple[int, ...]:
    """`value`, a list or tuple of integers, as a tuple of int.

    Raises:
        ValueError: it is something else.
    """
    entries = value if isinstance(value, list | tuple) else [None]
    if all(isinstance(entry, numbers.Integral) and not isinstance(entry, bool | np.bool_) for entry in entries):
        return tuple(map(int, entries))
    hint = f" Did you mean ({value},)?" if isinstance(value, numbers.Integral) else ""
    raise ValueError(f"{owner}'s {name} must be a tuple of integers; got {value!r}.{hint}")


def check_integer(owner: str, name: str, value: Any) -> int:
    """`value` as an int.

    Raises:
        ValueError: it is no integer.
    """
    if isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_):
        return int(value)
    raise ValueError(f"{owner}'s {name} must be an integer; got {value!r}.")


def check_number(owner: str, name: str, value: Any, least: float | None = None) -> Any:
    """`value` when it is a finite number, of at least `least` where that is given.

    Raises:
        ValueError: it is not.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if is_number and abs(value) < float("inf") and (least is None or value >= least):
        return value
    wanted = "a finite number" if least is None else f"a finite number of at least {least}"
    raise ValueError(f"{owner}'s {name} must be {wanted}; got {value!r}.")
