"""Layers to configs and back."""

from collections.abc import Mapping
from typing import Any

from phasewise.core import registry
from phasewise.core.types import Config
from phasewise.layer.layer import Layer


def serialize(layer: Layer) -> Config:
    """`{"class_name", "config"}` of a layer, weights aside.

    Raises:
        ValueError: it is no layer.
    """
    if not isinstance(layer, Layer):
        raise ValueError(f"layers.serialize takes a layer; got {layer!r}.")
    return registry.serialize(layer)


def deserialize(config: Config, custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """A new layer like the one that `serialize`, or Keras's, described; a class of one's own is found once it is registered.

    Raises:
        ValueError: the config names no known layer (the message gives the nearest), or has no `class_name`.
    """
    if not isinstance(config, dict):
        raise ValueError(f"layers.deserialize takes a dict with 'class_name' and 'config'; got {config!r}.")
    return registry.deserialize("layer", config, custom_objects)
