"""What arguments that many constructors share must be."""

import numbers
from typing import Any

import numpy as np


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
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)
    if is_integer and value >= least:
        return int(value)
    wanted = "a positive integer" if least == 1 else f"an integer of at least {least}"
    raise ValueError(f"{owner}'s {name} must be {wanted}; got {value!r}.")


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
