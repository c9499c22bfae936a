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
        if item.get("class_name") == "function" and _is_another(item, function_meant(item)):
            yield "function", item["config"]
        elif _is_of_object(item) and _is_another(item, class_meant(item)):
            yield "class", item["class_name"]
        item = list(item.values())
    for each in item if isinstance(item, list | tuple) else ():
        yield from _found(each)


def _is_of_object(item):
    """Whether `serialize_keras_object` wrote it of an object; a dict of a user's own may have a "class_name" too."""
    return (
        isinstance(item.get("class_name"), str) and isinstance(item.get("config"), dict) and "registered_name" in item
    )


def _is_another(item, meant):
    """Whether nothing is found under the name in a config, or what another module has registered: a name without a package finds that, too."""
    name = item.get("registered_name")
    if meant is None or name in (None, "function") or ">" in name or meant.__module__.partition(".")[0] == "phasewise":
        return meant is None
    return item.get("module") != (None if meant.__module__ == "__main__" else meant.__module__)
