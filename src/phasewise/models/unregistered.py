"""Functions of a user's own that a saved model speaks of by a name under which nothing is registered."""

from collections.abc import Iterator
from typing import Any

from phasewise.core.restoring import function_meant
from phasewise.core.warning import PhasewiseWarning, warn


def warn_of_unregistered(described: Any) -> None:
    """Warn of the functions in a described model that `load_model` will not find by itself: a file holds names, never code."""
    names = list(dict.fromkeys(_found(described)))
    if names:
        given = ", ".join(f"{name!r}: {name}" for name in names)
        several = len(names) > 1
        warn(
            f"The saved model speaks of the function{'s' if several else ''} {', '.join(names)} by name only, and nothing is registered "
            f"under {'those names' if several else 'that name'}: load_model will refuse the file unless it is given custom_objects={{{given}}}. "
            f"Decorate {'them' if several else 'it'} with @phasewise.saving.register_keras_serializable() to have the file opened without.",
            PhasewiseWarning,
        )


def _found(item: Any) -> Iterator[str]:
    if isinstance(item, list | tuple):
        for each in item:
            yield from _found(each)
    elif isinstance(item, dict):
        if item.get("class_name") == "function" and function_meant(item) is None:
            yield item["config"]
        for each in item.values():
            yield from _found(each)
