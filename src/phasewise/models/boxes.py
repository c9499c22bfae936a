"""A model as boxes and arrows, for pictures of it."""

import dataclasses

from phasewise.graph import symbolic
from phasewise.models.model import Model
from phasewise.models.summary import shape_text


@dataclasses.dataclass(frozen=True)
class Box:
    """A layer, or a function between layers.

    Attributes:
        title: its first line.
        lines: those below.
        depends: whether what it does depends on the phase.
    """

    title: str
    lines: tuple[str, ...] = ()
    depends: bool = False


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is written into the boxes."""

    shapes: bool = False
    dtype: bool = False
    names: bool = True
    activations: bool = False
    trainable: bool = False
    nested: bool = False
    phase: bool = False


def boxes_of(model, wanted):
    """(list of `Box`, list of (from, to) of their places), in the order of the graph.

    Raises:
        ValueError: the model has no layers, or is not built where that is needed.
    """
    rows = {row.layer: row for row in model.explain(print_fn=False)} if wanted.phase else {}
    boxes, arrows = [], []
    _add(model, wanted, rows, boxes, arrows)
    if not boxes:
        raise ValueError(f"The model {model.name!r} has no layers to draw.")
    return boxes, list(dict.fromkeys(arrows))


def _add(model, wanted, rows, boxes, arrows, sources=None, path=""):
    """Draw the layers of `model`; `sources` are the places that its inputs come from. Returns the places of its outputs."""
    if model._graph is None:
        return _add_chain(model, wanted, rows, boxes, arrows, sources, path)
    made = {}  # id of a tensor -> place of the box that makes it
    for number, tensor in enumerate(model._graph.input_tensors):
        if sources:
            made[id(tensor)] = sources[min(number, len(sources) - 1)]
        else:
            layer = getattr(tensor, "input_layer", None)
            made[id(tensor)] = _place(boxes, Box(*_input_text(tensor, layer, wanted)))
    places = {}
    for node in model._graph.nodes:
        before = [made[id(t)] for t in node.parents]
        after = _add_node(node, before, wanted, rows, boxes, arrows, places, path)
        made.update((id(t), after[min(i, len(after) - 1)]) for i, t in enumerate(node.outputs))
    return [made[id(t)] for t in model._graph.output_tensors]


def _add_node(node, before, wanted, rows, boxes, arrows, places, path):
    operation = node.operation
    if isinstance(operation, symbolic.Function):
        place = _place(boxes, Box(operation.name))
    elif wanted.nested and isinstance(operation, Model):
        return _add(operation, wanted, rows, boxes, arrows, before, f"{path}{operation.name}/")
    else:
        if id(operation) not in places:
            places[id(operation)] = _place(boxes, _box(operation, wanted, rows, path))
        place = places[id(operation)]
    arrows.extend((source, place) for source in before if source != place)
    return [place]


def _add_chain(model, wanted, rows, boxes, arrows, sources, path):
    last = list(sources or [])
    for layer in model.layers:
        if wanted.nested and isinstance(layer, Model):
            last = _add(layer, wanted, rows, boxes, arrows, last, f"{path}{layer.name}/")
            continue
        place = _place(boxes, _box(layer, wanted, rows, path))
        arrows.extend((source, place) for source in last)
        last = [place]
    return last


def _place(boxes, box):
    boxes.append(box)
    return len(boxes) - 1


def _input_text(tensor, layer, wanted):
    name = getattr(layer, "name", tensor.name)
    lines = [*([f"shape {tensor.shape}"] if wanted.shapes else []), *([tensor.dtype] if wanted.dtype else [])]
    return (f"{name} (InputLayer)" if wanted.names else "InputLayer"), tuple(lines)


def _box(layer, wanted, rows, path):
    kind = type(layer).__name__
    lines = []
    activation = getattr(layer, "activation", None)
    if wanted.activations and activation is not None:
        lines.append(f"activation {getattr(activation, '__name__', type(activation).__name__)}")
    if wanted.shapes:
        lines.append(f"output {shape_text(layer)}")
    if wanted.dtype:
        lines.append(str(layer.dtype_policy.name if hasattr(layer, "dtype_policy") else layer.dtype))
    if wanted.trainable and layer.variables:
        lines.append("trainable" if layer.trainable else "frozen")
    row = rows.get(f"{path}{layer.name}") or rows.get(layer.name)
    if row is not None:
        lines += [f"{task}: {getattr(row, task).phase or 'not called'}" for task in ("fit", "predict")]
    return Box(f"{path}{layer.name} ({kind})" if wanted.names else kind, tuple(lines), row is not None)
