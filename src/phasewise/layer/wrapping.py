"""Layers that are made around others."""

import contextlib
from typing import Any

from phasewise.core import naming
from phasewise.layer.layer import Layer


def build_inside(owner: Layer, layer: Any, *shapes: Any) -> None:
    """Build `layer`, which `owner` is made around, once: its weights' paths lead over both names.

    Args:
        owner: what is being built.
        layer: a layer; anything else is left alone.
        shapes: what its `build` takes.
    """
    if not isinstance(layer, Layer) or layer.built:
        return
    is_named = naming.path().split("/")[-1] == owner.name  # else its user calls `build`
    with (
        naming.building(),
        contextlib.nullcontext() if is_named else naming.path_part(owner.name, owner),
        naming.path_part(layer.name, layer),
    ):
        layer.build(*shapes)
    layer.built = True
