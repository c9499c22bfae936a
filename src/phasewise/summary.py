"""summary: the layers of a model as a table."""

import io

import numpy as np


def summary(model, line_length, print_fn, expand_nested, show_trainable):
    """Print the table of `model`, or give its text to `print_fn`."""
    text = render(model, line_length, expand_nested, show_trainable)
    (print_fn or print)(text)


def render(model, line_length=None, expand_nested=False, show_trainable=False):
    """The table as text."""
    from rich import box  # rich costs 0.1 s to import and is needed only when something is drawn
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f'Model: "{model.name}"', box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in ("Layer (type)", "Output shape"):
        table.add_column(column)
    table.add_column("Params", justify="right")
    if show_trainable:
        table.add_column("Trainable", justify="center")
    for layer, depth in _rows(model, expand_nested):
        cells = [f"{'  ' * depth}{layer.name} ({type(layer).__name__})", _shape(layer), f"{layer.count_params():,}"]
        if show_trainable:
            cells.append("yes" if layer.trainable else "frozen")
        table.add_row(*cells)
    console = Console(file=io.StringIO(), width=line_length or 88, color_system=None)
    console.print(table)
    lines = [line.rstrip() for line in console.file.getvalue().rstrip().splitlines()]
    return "\n".join([*lines, "", _totals(model)])


def _rows(model, expand_nested, depth=0):
    for layer in model.layers:
        yield layer, depth
        if expand_nested and hasattr(layer, "layers"):
            yield from _rows(layer, expand_nested, depth + 1)


def _shape(layer):
    if not layer._nodes:
        return "?" if not layer.built else "-"
    output = layer._nodes[-1][1]
    return str(output.shape) if hasattr(output, "shape") else str([t.shape for t in _leaves(output)])


def _leaves(structure):
    if isinstance(structure, dict):
        structure = list(structure.values())
    return [t for item in structure for t in (_leaves(item) if isinstance(item, list | tuple | dict) else [item])]


def _totals(model):
    def line(name, variables):
        count = sum(int(np.prod(v.shape)) for v in variables)
        size = sum(int(np.prod(v.shape)) * v.raw.dtype.itemsize for v in variables)
        return f" {name}: {count:,} ({_bytes(size)})"

    return "\n".join(
        [
            line("Total params", model.variables),
            line("Trainable params", model.trainable_variables),
            line("Non-trainable params", model.non_trainable_variables),
        ]
    )


def _bytes(size):
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
