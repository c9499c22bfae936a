"""Which layer of a model is which of PyTorch's modules: a map from names to names, held against the model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from phasewise.core.registry import did_you_mean
from phasewise.layer.layer import Layer

Names = Mapping[str, str | Sequence[str]]


def layers_by_module(model: Any, names: Names) -> list[tuple[str, Layer]]:
    """[(name of a module, layer)]; a module of several layers is there once for each, as "name" + number of the layer.

    Raises:
        ValueError: a layer does not exist, or is named twice.
    """
    found, seen = [], {}
    for module, wanted in names.items():
        several = [wanted] if isinstance(wanted, str) else list(wanted)
        for number, path in enumerate(several):
            layer = _layer(model, path)
            if id(layer) in seen:
                raise ValueError(
                    f"Layer {path!r} is named for both {seen[id(layer)]!r} and {module!r}: it can have the weights of one."
                )
            seen[id(layer)] = module
            found.append((module if isinstance(wanted, str) else f"{module}#{number}", layer))
    return found


def _layer(model, path) -> Layer:
    layer = model
    for name in path.split("/"):
        inside = {each.name: each for each in layer._sublayers()}
        if name not in inside:
            raise ValueError(
                f"{layer.name!r} has no layer {name!r}.{did_you_mean(name, inside)} It has: {', '.join(inside)}."
            )
        layer = inside[name]
    return layer


def unmapped(model: Any, layers: Iterable[tuple[str, Layer]]) -> list[str]:
    """Names of the layers with weights that `names` says nothing of."""
    mapped = {id(inner) for _, layer in layers for inner in layer._inventory().layers}
    return [each.name for each in model._inventory().layers if id(each) not in mapped and each.variables_on_file()]


def check_names(names: Names, *others: Mapping[str, Any] | None) -> None:
    """See whether what is said of modules is said of those in `names`.

    Raises:
        ValueError: it is not.
    """
    for given in others:
        for name in given or {}:
            if name not in names:
                raise ValueError(f"{name!r} is none of the modules in `names`.{did_you_mean(name, names)}")


def listed(names: Iterable[str]) -> str:
    """Names in quotes, commas between them."""
    return ", ".join(map(repr, names))
