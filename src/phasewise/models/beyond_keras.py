"""What a saved model asks for that Keras has no like of, so that Keras will not open the file."""

from collections.abc import Iterator
from typing import Any

from phasewise.core.warning import PhasewiseWarning, warn

OURS = ("normalization", "virtual_batch_size")
"""Arguments that Keras's classes of the same names lack; a config has them only where they are used."""


def warn_of_ours(described: Any) -> None:
    """Warn of the layers of a described model whose arguments Keras will refuse, each by its name."""
    found = dict.fromkeys(_found(described["config"]))
    if found:
        warn(
            f"Keras will refuse the saved model, since it has no such arguments: {', '.join(found)}. phasewise opens it.",
            PhasewiseWarning,
        )


def _found(item: Any) -> Iterator[str]:
    """Texts on arguments anywhere in a config, of Keras's own classes: others take what they take."""
    if isinstance(item, list | tuple):
        for each in item:
            yield from _found(each)
    elif isinstance(item, dict):
        config = item.get("config")
        if isinstance(config, dict) and str(item.get("module")).startswith("keras"):
            given = [f"{name}={config[name]!r}" for name in OURS if name in config]
            yield from (f"{each} of {item.get('class_name')} {config.get('name')!r}" for each in given)
        for each in item.values():
            yield from _found(each)
