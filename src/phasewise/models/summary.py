"""summary: the layers of a model as a table."""

import re

import jax
import numpy as np

from phasewise.graph import symbolic
from phasewise.models.table import Column
from phasewise.models.table import render as table_of


def summary(model, line_length, positions, print_fn, expand_nested, show_trainable, layer_range):
    """Print the table of `model`, or give its text to `print_fn`."""
    text = render(model, line_length, positions, expand_nested, show_trainable, layer_range)
    (print_fn or print)(text)


def render(model, line_length=None, positions=None, expand_nested=False, show_trainable=False, layer_range=None):
    """The table as text."""
    width = line_length or 88
    headings = ["Layer (type)", "Output shape", "Params", *(["Trainable"] if show_trainable else [])]
    justified = {"Params": "right", "Trainable": "center"}
    widths = [*_widths(positions, width), *[None] * len(headings)]
    columns = [Column(name, justified.get(name, "left"), fixed) for name, fixed in zip(headings, widths)]
    rows = []
    for layer, depth in _rows(_within(model.layers, layer_range), expand_nested):
        count = f"{layer.count_params():,}" if layer.built else "unbuilt"
        cells = [f"{'  ' * depth}{layer.name} ({type(layer).__name__})", shape_text(layer), count]
        rows.append(cells + ([_trainable(layer)] if show_trainable else []))
    return "\n".join([table_of(f'Model: "{model.name}"', columns, rows, width=width), "", _totals(model)])


def _widths(positions, width):
    """Column widths from where the columns end."""
    if positions is None:
        return []
    ends = [round(p * width) for p in positions] if positions[-1] <= 1 else list(positions)
    return [max(1, end - start - 2) for start, end in zip([0, *ends], ends)]


def _within(layers, layer_range):
    if layer_range is None:
        return layers
    first, last = layer_range
    begins = [i for i, layer in enumerate(layers) if re.fullmatch(first, layer.name)]
    ends = [i for i, layer in enumerate(layers) if re.fullmatch(last, layer.name)]
    if not begins or not ends:
        raise ValueError(
            f"No layer matches layer_range={tuple(layer_range)}; the layers are {', '.join(x.name for x in layers)}."
        )
    return layers[begins[0] : ends[-1] + 1]


def _rows(layers, expand_nested, depth=0):
    for layer in layers:
        yield layer, depth
        if expand_nested and hasattr(layer, "layers"):
            yield from _rows(layer.layers, expand_nested, depth + 1)


def _trainable(layer):
    return "-" if not layer.variables else "yes" if layer.trainable else "frozen"


def shape_text(layer):
    """The shape of the layer's output: as recorded in a graph, else as seen at its first call, the batch axis None."""
    if layer._nodes:
        shapes = [tensor.shape for tensor in symbolic.tensors_in(layer._nodes[-1][1])]
    else:
        shapes = [(None, *seen.shape[1:]) for seen in jax.tree.leaves(layer._seen_output)]
    if not shapes:
        return "?"
    return str(shapes[0]) if len(shapes) == 1 else ", ".join(map(str, shapes))


def _totals(model):
    def line(name, variables):
        count = sum(int(np.prod(v.shape)) for v in variables)
        size = sum(int(np.prod(v.shape)) * v.raw.dtype.itemsize for v in variables)
        return f" {name}: {count:,} ({_bytes(size)})"

    unbuilt = [layer for layer in model._inventory().layers if not layer.built]
    told = [_of_unbuilt(model, unbuilt)] if unbuilt else []
    on_host = names_on_host(model)
    told += [f" On the host, before the compiled program: {', '.join(on_host)}."] if on_host else []
    return "\n".join(
        [
            *told,
            line("Total params", model.weights),
            line("Trainable params", model.trainable_variables),
            line("Non-trainable params", [v for v in model.non_trainable_variables if not v.is_memory]),
        ]
    )


def names_on_host(model):
    """The names of the layers that run before the compiled program begins."""
    part = model._graph.host if model._graph is not None else None
    return part.names if part is not None else []


def _of_unbuilt(model, unbuilt):
    if not model.built:
        return (
            f" {model.name!r} is not built: its weights are made when the shape of its input is known. Call it on data, fit it, or "
            "call build(input_shape)."
        )
    names = ", ".join(repr(layer.name) for layer in unbuilt[:4]) + (", ..." if len(unbuilt) > 4 else "")
    return f" Not built, for no call has reached {'it' if len(unbuilt) == 1 else 'them'} yet: {names}."


def _bytes(size):
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
