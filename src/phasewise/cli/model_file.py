"""Models in files, as commands are given them: opened, described, written by the ending of the name."""

import os
import pathlib
from typing import Any

import jax
import numpy as np

from phasewise.cli.failing import Failure, Mistake, in_one_line
from phasewise.export.signature import signature_of
from phasewise.models.model import Model
from phasewise.saving.loading import load_model

ENDINGS = {
    ".keras": "the whole model, for Keras and phasewise",
    ".weights.h5": "its weights, as Keras writes them",
    ".safetensors": "its weights, by path",
    ".npz": "its weights, by path",
    ".stablehlo": "its predictions, for JAX alone",
    ".onnx": "its predictions, for onnxruntime and others",
}
PROGRAMS = (".stablehlo", ".onnx")


def add_file(parser: Any) -> None:
    """The argument FILE."""
    parser.add_argument("file", metavar="FILE", help="a .keras file, or a whole model in .h5")


def opened(path: str) -> Model:
    """The model in a file.

    Raises:
        Mistake: there is no such file, or it holds no model that can be opened.
    """
    try:
        model = load_model(path)
    except (OSError, ImportError) as error:
        raise Mistake(in_one_line(error)) from error
    if not isinstance(model, Model):
        raise Mistake(
            f"{path!r} holds a {type(model).__name__}, which is no model; phasewise.saving.load_model opens it."
        )
    return model


def ending_of(path: str | os.PathLike[str]) -> str:
    """The ending of a path that says what is to be written there.

    Raises:
        Mistake: there is none of them; or the folder does not exist, or the path is that of a folder.
    """
    name = pathlib.Path(path)
    if name.is_dir():
        raise Mistake(f"{str(path)!r} is a folder; give the name of a file.")
    if not name.parent.is_dir():
        raise Mistake(f"the folder {str(name.parent)!r} of {str(path)!r} does not exist.")
    for ending in ENDINGS:
        if name.name.lower().endswith(ending) and name.name.lower() != ending:
            return ending
    raise Mistake(f"{str(path)!r} must end in one of {', '.join(ENDINGS)}.")


def written(model: Model, path: str) -> None:
    """Write the model to `path` in the form that the ending says; whole or not at all.

    Raises:
        Failure: it cannot be written, or not in this form.
    """
    ending = ending_of(path)
    try:
        if ending == ".keras":
            model.save(path)
        elif ending in PROGRAMS:
            model.export(path, format=ending[1:], verbose=False)
        else:
            model.save_weights(path)
    except (ValueError, TypeError, OSError, ImportError, NotImplementedError, RuntimeError) as error:
        raise Failure(in_one_line(error)) from error


def inputs_of(model: Model) -> list[dict[str, Any]]:
    """Name, shape (None for open sizes) and dtype of each input, ready for JSON; of an unbuilt model none."""
    if not model.built:
        return []
    return [{**slot._asdict(), "shape": list(slot.shape)} for slot in signature_of(model).slots]


def size_of(variables: Any) -> int:
    """How many numbers there are in some variables."""
    return sum(int(np.prod(v.shape)) for v in variables)


def shapes_in(structure: Any) -> list[list[int | None]]:
    """The shapes in a structure of them, as lists."""
    leaves = jax.tree.leaves(structure, is_leaf=lambda item: isinstance(item, tuple) and _is_shape(item))
    return [list(leaf) for leaf in leaves]


def _is_shape(item):
    return all(n is None or isinstance(n, int) for n in item)
