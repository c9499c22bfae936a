"""`phasewise summary FILE`."""

from typing import Any

from phasewise.cli.command import add_json, added, print_json
from phasewise.cli.model_file import add_file, inputs_of, opened, shapes_in, size_of
from phasewise.graph.symbolic import tensors_in


def add_to(commands: Any) -> None:
    """Add the command to the parser's `commands`."""
    parser = added(
        commands,
        "summary",
        run,
        help="the layers of a model, their shapes and weights",
        description="Prints the layers of the model in FILE, their output shapes and how many weights they have.",
        example="  phasewise summary model.keras --expand-nested",
    )
    add_file(parser)
    parser.add_argument("--expand-nested", action="store_true", help="also the layers of models inside the model")
    add_json(parser)


def run(given: Any) -> int:
    """Run it."""
    model = opened(given.file)
    if given.json:
        print_json(described(model, given.file))
    else:
        model.summary(expand_nested=given.expand_nested, show_trainable=True)
    return 0


def described(model: Any, path: str) -> dict[str, Any]:
    """The model as nested dicts and lists, ready for JSON. A layer's output shape is null where nothing has called it."""
    return {
        "file": path,
        "model": model.name,
        "class": type(model).__name__,
        "inputs": inputs_of(model),
        "outputs": shapes_in(model.output_shape) if model.built else [],
        "layers": [_layer(layer) for layer in model.layers],
        "parameters": size_of(model.weights),
        "trainable_parameters": size_of(model.trainable_variables),
        "bytes": sum(v.raw.nbytes for v in model.weights),
    }


def _layer(layer):
    return {
        "name": layer.name,
        "class": type(layer).__name__,
        "output_shape": _output_shapes(layer),
        "parameters": layer.count_params() if layer.built else None,
        "trainable": layer.trainable,
        "layers": [_layer(each) for each in getattr(layer, "layers", [])],
    }


def _output_shapes(layer):
    shapes = [tensor.shape for _, outputs in layer._nodes[-1:] for tensor in tensors_in(outputs)]
    return [list(shape) for shape in shapes] or None
