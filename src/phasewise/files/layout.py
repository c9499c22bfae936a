"""Where the weights of each layer stand in a file: Keras 3's layout, found by how layers are nested and never by their names.

A layer of a Sequential or functional model stands under `layers/`, by its class and how many of this class came before it there
(`layers/dense`, `layers/dense_1`); a layer in an attribute under the attribute's name (`forward_layer/cell`), one in a list or dict
under that and its class. What is found a second time stands where it was found first.
"""

from collections.abc import Iterator
from typing import NamedTuple

from phasewise.core.registry import snake_case
from phasewise.core.variable import Variable
from phasewise.layer.layer import Layer


class Place(NamedTuple):
    """A layer in a file: its path ("" for the model itself) and the variables that it holds itself, in their order."""

    path: str
    layer: Layer
    variables: list[Variable]


def places(model: Layer) -> Iterator[Place]:
    """Every layer of the tree below `model`, itself first, each once."""
    yield from _of_layer(model, "", set())


def copies(place: Place) -> list[str]:
    """Paths where a file has the same once more."""
    return [f"{place.path}/{name}".lstrip("/") for name in place.layer.copied_to]


def _of_layer(layer, path, seen):
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield Place(path, layer, layer.variables_on_file())
    for name, value in _attributes(layer):
        name = layer.stored_as.get(name, name)
        yield from _of_value(value, f"{path}/{name}".lstrip("/"), seen, set())


def _of_value(value, path, seen, containers):
    if isinstance(value, Layer):
        yield from _of_layer(value, path, seen)
        return
    if not isinstance(value, list | tuple | dict) or id(value) in containers:
        return
    containers.add(id(value))
    counts = {}
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, Layer):
            yield from _of_layer(item, f"{path}/{_numbered(_class_of(item), counts)}", seen)
        elif isinstance(item, list | tuple | dict):
            yield from _of_value(item, f"{path}/{_numbered('container', counts)}", seen, containers)


def _attributes(layer):
    """(name, value) in Keras's order: the layers of a chain or graph, then attributes by name, those that begin with "_" last."""
    inner = getattr(layer, "layers", None)
    is_chain_or_graph = getattr(layer, "_graph", None) is not None or hasattr(layer, "_chain")
    own = {name: value for name, value in vars(layer).items() if name not in _INTERNAL}
    if inner is not None and is_chain_or_graph:
        yield "layers", inner
    elif inner is not None:
        own["layers"] = inner  # of a subclassed model it is one attribute among the others
    yield from sorted(own.items(), key=lambda item: f"~{item[0]}" if item[0].startswith("_") else item[0])


def _class_of(layer):
    # What Keras calls the class of a model made of inputs and outputs.
    is_functional = type(layer).__name__ == "Model" and getattr(layer, "_graph", None) is not None
    return "functional" if is_functional else layer.class_on_file or snake_case(type(layer).__name__)


def _numbered(name, counts):
    number = counts[name] = counts.get(name, -1) + 1
    return f"{name}_{number}" if number else name


_INTERNAL = frozenset(
    {
        "_given",
        "_own_variables",
        "_last_losses",
        "_nodes",
        "_seen_output",
        "_last_inventory",
        "_chain",
        "_graph",
        "programs",
        "objective",
        "optimizer",
        "history",
        "_claimed",
    }
)
