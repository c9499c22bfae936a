"""What the arguments of an optimizer must be."""

import inspect
import numbers
from collections.abc import Callable
from typing import Any, TypeAlias

from phasewise.core import registry
from phasewise.core.types import Config
from phasewise.optimizers.schedules import KIND, LearningRateSchedule

Rate: TypeAlias = float | LearningRateSchedule | Callable[..., Any] | Config
"""A learning rate: a number, a schedule, a function of the step or of nothing, or the config of a schedule."""


def check_rate(value):
    """A learning rate as a float.

    Raises:
        ValueError: it is negative or no number.
    """
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = float("nan")
    if not 0 <= rate < float("inf") or isinstance(value, bool | str):
        raise ValueError(
            f"A learning rate is a number of at least 0, a schedule, or a function of the step; got {value!r}."
        )
    return rate


def check_range(name, value, low, high, high_included=True, low_included=True):
    """`value` as a float between `low` and `high`; either may be None.

    Raises:
        ValueError: it is not.
    """
    inside = is_number(value) and (low is None or value > low or (low_included and value == low))
    inside = inside and (high is None or value < high or (high_included and value == high))
    if not inside:
        bounds = f"in {'[' if low_included else '('}{low}, {high}{']' if high_included else ')'}"
        bounds = f"{'at least' if low_included else 'above'} {low}" if high is None else bounds
        bounds = f"at most {high}" if low is None else bounds
        bounds = "a finite number" if low is None and high is None else bounds
        raise ValueError(f"An optimizer's {name} must be {bounds}; got {value!r}.")
    return float(value)


def check_count(name, value, least, may_be_none=True):
    """`value`, which is an integer of at least `least`, or None.

    Raises:
        ValueError: it is not.
    """
    if value is None and may_be_none:
        return None
    if not is_number(value) or value != int(value) or value < least:
        raise ValueError(
            f"{name} must be an integer of at least {least}{', or None' if may_be_none else ''}; got {value!r}."
        )
    return int(value)


def is_number(value):
    """Whether `value` is a finite Python or NumPy number."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and abs(value) < float("inf")


def schedule_of(rate):
    """The function of the step that `rate` is, or None where it is a number."""
    if isinstance(rate, dict):
        return registry.deserialize(KIND, rate)
    if isinstance(rate, LearningRateSchedule) or not callable(rate):
        return rate if callable(rate) else None
    return rate if _takes_a_step(rate) else FunctionOfNothing(rate)


class FunctionOfNothing:
    """A function without arguments as a function of the step."""

    def __init__(self, function: Callable[[], Any]):
        self._function = function

    def __call__(self, step: Any) -> Any:
        return self._function()


def _takes_a_step(function):
    try:
        inspect.signature(function).bind(0)
    except TypeError:
        return False
    except ValueError:  # some built-in functions have no signature
        return True
    return True


def spelled_out(cls, shared):
    """The signature of `cls` with the arguments of `shared`, a function, written out where it says `*shared, **named`.

    An optimizer takes the arguments that all of them have behind its own, and passes them on; this is for `help` and
    for editors.
    """
    own = [p for p in inspect.signature(cls.__init__).parameters.values() if p.name != "self"]
    explicit = [p for p in own if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(own) - len(explicit) < 2:
        return inspect.Signature(own)
    names = {"self", *(p.name for p in explicit)}
    common = [p for p in inspect.signature(shared).parameters.values() if p.name not in names]
    return inspect.Signature([*explicit, *common])
