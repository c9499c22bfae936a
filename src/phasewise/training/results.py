"""What evaluate and the methods of one batch return of their logs."""

from typing import TypeAlias

Results: TypeAlias = float | list[float] | dict[str, float]
"""The loss alone, loss and metrics in order, or both by name."""


def returned(logs: dict[str, float], return_dict: bool) -> Results:
    """The logs as a dict; or their values, one of which stands by itself."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
