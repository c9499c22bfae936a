"""Pictures of models: the text that Graphviz draws, and one of our own where it is not there."""

import os
import shutil
import subprocess
import warnings
from typing import Any

from phasewise.core.keywords import refuse_left_over
from phasewise.core.registry import one_of
from phasewise.models.boxes import Wanted, boxes_of
from phasewise.models.layout import svg
from phasewise.models.model import Model

DIRECTIONS = ("TB", "LR")


class Dot:
    """A graph in the language of Graphviz; `to_string()` is its text. In a notebook it shows itself."""

    def __init__(self, text: str, picture: str):
        self._text, self._picture = text, picture

    def to_string(self) -> str:
        """The text."""
        return self._text

    def _repr_svg_(self):
        return self._picture


def model_to_dot(
    model: Model,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Dot:
    """A model as a graph in the language of Graphviz.

    Args:
        model: functional, `Sequential`, or a subclass, whose layers are drawn in the order in which it holds them.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what stands in the boxes.
        rankdir: "TB", from top to bottom, or "LR", from left to right.
        expand_nested: whether the layers of models inside it are drawn, their names behind the model's.
        dpi: dots per inch of a picture that is no SVG.
        subgraph: whether the text is that of a part of a larger graph (`subgraph cluster_NAME {...}`), to be put into one of your own.
        splines: how Graphviz draws arrows.
        show_phase: whether the boxes say what phase `fit` and `predict` call the layer in; those that depend on it are coloured.
            Ours, not Keras's.

    Raises:
        TypeError: an unknown argument.
        ValueError: the model has no layers; an unknown `rankdir`.
    """
    show_phase = kwargs.pop("show_phase", False)
    refuse_left_over(model_to_dot, kwargs)
    one_of("model_to_dot", "rankdir", rankdir, DIRECTIONS)
    wanted = Wanted(
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable, expand_nested, show_phase
    )
    boxes, arrows = boxes_of(model, wanted)
    head, name = _head(rankdir, dpi, splines) if not subgraph else _head_of_part(model)
    lines = [*head, 'node [shape=box, style="rounded,filled", fillcolor="#f4f6f8", fontname=Helvetica];']
    for number, box in enumerate(boxes):
        label = "\\n".join(map(_quoted, (box.title, *box.lines)))
        colour = ', fillcolor="#fff3e0"' if box.depends else ""
        lines.append(f'{name(number)} [label="{label}"{colour}];')
    lines += [f"{name(a)} -> {name(b)};" for a, b in arrows]
    return Dot("\n".join([*lines, "}"]) + "\n", svg(boxes, arrows, sideways=rankdir == "LR"))


def _head(rankdir, dpi, splines):
    """How the text of a graph begins, and the function that names its boxes."""
    return ["digraph G {", f"rankdir={rankdir}; dpi={dpi}; splines={splines};"], "n{}".format


def _head_of_part(model):
    """The same of a part of a graph, in which boxes of other parts have other names."""
    name = _quoted(model.name)
    return [f'subgraph "cluster_{name}" {{', f'label="{name}";'], lambda number: f'"{name}/{number}"'


def _quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


def plot_model(
    model: Model,
    to_file: str | os.PathLike = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Dot:
    """Write a picture of a model to a file.

    An `.svg` needs nothing else; `.dot` is the text for Graphviz. Any other kind is drawn by Graphviz; where its program `dot` is not
    found, an `.svg` of that name is written instead, and a warning says so.

    Args:
        to_file: path of the file.
        All others as in `model_to_dot`.

    Returns:
        The graph, which shows itself in a notebook.

    Raises:
        RuntimeError: Graphviz could not draw it, such as for an ending that it does not know; the message is its own.
    """
    drawn = model_to_dot(
        model,
        show_shapes,
        show_dtype,
        show_layer_names,
        rankdir,
        expand_nested,
        dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
        **kwargs,
    )
    stem, ending = os.path.splitext(os.fspath(to_file))
    if ending not in (".svg", ".dot") and shutil.which("dot"):
        _draw_with_graphviz(drawn.to_string(), os.fspath(to_file), ending[1:] or "png")
        return drawn
    if ending not in (".svg", ".dot"):
        warnings.warn(
            f"Graphviz's program dot was not found, which draws {ending or 'png'} files: the picture is in {stem}.svg.",
            stacklevel=2,
        )
    with open(to_file if ending == ".dot" else f"{stem}.svg", "w", encoding="utf-8") as file:
        file.write(drawn.to_string() if ending == ".dot" else drawn._repr_svg_())
    return drawn


def _draw_with_graphviz(text, path, kind):
    done = subprocess.run(["dot", f"-T{kind}", "-o", path], input=text.encode(), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"it ended with status {done.returncode}"
        raise RuntimeError(f"Graphviz's program dot could not draw {path}: {said}")
