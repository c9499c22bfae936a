"""Counters and lists on a model that a step of a user's own means to change at every step, where it does so only while it is traced."""

from collections import deque
from numbers import Number
from typing import Any


def kept_in_python(model: Any) -> dict[str, Any]:
    """name -> the number, or how long the list, dict or set is, that the model keeps as a plain public attribute."""
    kept = {}
    for name, value in vars(model).items():
        if name.startswith("_") or isinstance(value, bool):
            continue
        if isinstance(value, Number):
            kept[name] = value
        elif isinstance(value, list | dict | set | deque):
            kept[name] = len(value)
    return kept


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The names that are in both with other values."""
    return {name for name, value in after.items() if name in before and before[name] != value}


def refuse_changes(model: Any, step_name: str, names: set[str]) -> None:
    """Tell of attributes that change with each trace.

    Raises:
        ValueError: there are any.
    """
    if not names:
        return
    name = min(names)
    is_number = isinstance(getattr(model, name), Number)
    remedy = (
        f"Make it a variable in __init__, self.{name} = phasewise.Variable(0, trainable=False), and change it in the "
        f"step by self.{name}.assign_add(...); choose by it with phasewise.ops.where or ops.cond."
        if is_number
        else "Return what is to be seen from the step, in its dict, and collect it in a callback, from `logs` in on_train_batch_end."
    )
    raise ValueError(
        f"{type(model).__name__}.{step_name} changes self.{name}, a plain Python {type(getattr(model, name)).__name__}. A step is traced once and "
        f"then run compiled: Python code in it does not run again at each step, so self.{name} would stand still. {remedy}"
    )
