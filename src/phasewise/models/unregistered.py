"""Functions and classes of a user's own that a saved model speaks of by a name under which nothing is registered."""

from collections.abc import Iterator
from typing import Any

from phasewise.core.restoring import class_meant, function_meant
from phasewise.core.warning import PhasewiseWarning, warn


def warn_of_unregistered(described: Any) -> None:
    """Warn of the functions and classes in a described model that `load_model` will not find by itself: a file holds names, never code."""
    found = list(dict.fromkeys(_found(described)))
    if not found:
        return
    several = len(found) > 1
    warn(
        f"The saved model speaks of {', '.join(f'the {kind} {name}' for kind, name in found)} by name only, and nothing is registered "
        f"under {'those names' if several else 'that name'}: load_model will refuse the file unless it is given custom_objects="
        f"{{{', '.join(f'{name!r}: {name}' for _, name in found)}}}. Decorate {'them' if several else 'it'} with "
        "@phasewise.saving.register_keras_serializable() to have the file opened without.",
        PhasewiseWarning,
    )


def _found(item: Any) -> Iterator[tuple[str, str]]:
    if isinstance(item, dict):
        if item.get("class_name") == "function" and function_meant(item) is None:
            yield "function", item["config"]
        elif _is_of_object(item) and class_meant(item) is None:
            yield "class", item["class_name"]
        item = list(item.values())
    for each in item if isinstance(item, list | tuple) else ():
        yield from _found(each)


def _is_of_object(item):
    """Whether `serialize_keras_object` wrote it of an object; a dict of a user's own may have a "class_name" too."""
    return (
        isinstance(item.get("class_name"), str) and isinstance(item.get("config"), dict) and "registered_name" in item
    )
