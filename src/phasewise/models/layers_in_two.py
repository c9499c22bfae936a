"""Layers that lie in two models of one file, whose configs would describe them twice."""

from typing import Any

from phasewise.core.warning import StructureWarning, warn


def warn_of_layers_in_two(model: Any) -> None:
    """Warn of each layer with weights that lies in two models of layers inside `model`.

    Their configs describe the layer twice and the file has its weights once, so that neither Keras nor phasewise opens it. Subclassed
    models make their layers themselves, and do not count.
    """
    holders: dict[int, tuple[Any, list[Any]]] = {}
    _gather(model, holders, set())
    for layer, found in holders.values():
        if len(found) > 1 and layer.weights:
            warn(
                f"{layer.name!r} lies in {' and in '.join(repr(each.name) for each in found)}: a .keras file describes it in each and has its "
                "weights once, so that neither Keras nor phasewise will open the file. Call the layer in one of these models only, or "
                "keep the weights by save_weights and build the model by code.",
                StructureWarning,
            )


def _gather(model, holders, seen):
    if (
        id(model) in seen
        or getattr(model, "_graph", None) is None
        or type(model).__name__ not in ("Model", "Functional", "Sequential")
    ):
        return
    seen.add(id(model))
    for layer in model.layers:
        holders.setdefault(id(layer), (layer, []))[1].append(model)
        if hasattr(layer, "_graph"):
            _gather(layer, holders, seen)
