"""Models that begin with layers on the host, lookups above all: why they are not exported, and what is instead."""

from typing import Any

from phasewise.core.strings import STRING
from phasewise.layer.layer import Layer


def check_no_host_part(model: Any) -> None:
    """Raises ValueError where a part of the model runs on the host; it says what to export instead."""
    if model.runs_on_host:
        raise ValueError(
            f"{model.name!r} cannot be exported as it is: {_names(model)} on the host, before the compiled program, and an exported "
            f"program looks nothing up and takes no strings. {_instead(model)}"
        )
    for tensor in model._input_tensors:
        if tensor.dtype == STRING:
            raise ValueError(
                f"{model.name!r} cannot be exported: its input {tensor.name!r} is strings, which an exported program does not take. No layer "
                "takes them: leave the input out."
            )


def _names(model):
    part = _host_part(model)
    if part is None:
        return "its first layers run"
    return f"{', '.join(map(repr, part.names))} run{'s' if len(part.names) == 1 else ''}"


def _instead(model):
    part = _host_part(model)
    if part is not None and part.is_whole:
        return (
            "Nothing comes after that could be exported: keep what it has learnt, get_vocabulary(), where it is served."
        )
    border = None if part is None or part.split else [_expression(model, tensor) for tensor in part.border]
    if not border or None in border:
        return "Export a model of what comes after, phasewise.Model(Input(...), rest(...)), and give it what these layers return."
    inputs = border[0] if len(border) == 1 else f"[{', '.join(border)}]"
    return (
        f"Export what comes after, phasewise.Model({inputs}, model.output).export(...), and give that program what "
        f"phasewise.Model(model.inputs, {inputs}).predict gives."
    )


def _expression(model, tensor):
    """How a person gets at a tensor of the model; None where there is no short way."""
    for number, each in enumerate(model._input_tensors):
        if each is tensor:
            return f"model.inputs[{number}]"
    layer = tensor.node.operation
    is_plain = isinstance(layer, Layer) and getattr(layer, "_graph", None) is None and len(layer._nodes) == 1
    return f"model.get_layer({layer.name!r}).output" if is_plain and layer in model.layers else None


def _host_part(model):
    return getattr(getattr(model, "_graph", None), "host", None)
