"""A StableHLO file, opened and asked."""

import json
import os
from typing import Any

import jax
import numpy as np

import phasewise.export.stablehlo_folder as stablehlo_folder
from phasewise.core.types import Array, Nest
from phasewise.export.foreign_calls import foreign_calls

ROWS = 32


class Served:
    """A program from a file that `Model.export(..., format="stablehlo")` wrote. It is called on what the model took; no layer, no
    phase, no weight can be reached any more.

    Args:
        exported: a `jax.export.Exported`.

    Attributes:
        exported: it.
        name: of the model.
        input_names, output_names: lists of str, in the order of the leaves (dicts by sorted keys).
        input_shapes, output_shapes: the structures of shapes, a str where a size is open.
        takes_seed: whether it draws, so that each call is given a seed.
        rows_mix: whether a row's output depends on the rows beside it.
    """

    def __init__(self, exported: Any):
        self.exported = exported
        about = _about(exported)
        self._in_tree = jax.tree_util.treedef_children(jax.tree_util.treedef_children(exported.in_tree)[0])[0]
        self.name = about["model"]
        self.takes_seed, self.rows_mix = about["takes_seed"], about["rows_mix"]
        self._inputs = list(exported.in_avals)[: self._in_tree.num_leaves]
        self.input_names, self.output_names = about["inputs"], about["outputs"]
        self.input_shapes = jax.tree.unflatten(self._in_tree, [_shape(aval) for aval in self._inputs])
        self.output_shapes = jax.tree.unflatten(exported.out_tree, [_shape(aval) for aval in exported.out_avals])
        self._calls = 0
        self._run = jax.jit(exported.call)

    def __call__(self, inputs: Nest, seed: int | None = None) -> Nest:
        """The outputs for one batch, as JAX arrays. Each number of rows compiles a program of its own: see `predict`.

        Args:
            inputs: arrays in the structure that the model took.
            seed: int; only of a program that draws. By default the number of the call.

        Raises:
            ValueError: inputs of another structure or shape, or a seed where nothing is drawn.
        """
        arrays = self._fitted(inputs)
        if not self.takes_seed:
            if seed is not None:
                raise ValueError(f"{self.name!r} draws nothing, so that it takes no seed; got seed={seed!r}.")
            return self._run(arrays)
        self._calls += 1
        return self._run(arrays, np.uint32(self._calls if seed is None else seed))

    def predict(self, x: Nest, batch_size: int = ROWS) -> Nest:
        """The outputs for any number of rows, as NumPy arrays; one program for all of them.

        Args:
            x: arrays in the structure that the model took.
            batch_size: rows in a batch; the last is filled up, unless rows see each other.

        Raises:
            ValueError: inputs of another structure or shape, or with different numbers of rows.
        """
        arrays = self._fitted(x)
        count, *others = map(len, jax.tree.leaves(arrays))
        if any(other != count for other in others):
            told = ", ".join(f"{name} {rows}" for name, rows in zip(self.input_names, (count, *others)))
            raise ValueError(f"{self.name!r} was given inputs with different numbers of rows: {told}.")
        size = self._batch_size(batch_size)
        parts = []
        for first in range(0, count, size):
            rows = min(size, count - first)
            is_filled = not self.rows_mix or isinstance(self._inputs[0].shape[0], int)
            batch = jax.tree.map(lambda a, f=first, n=size if is_filled else rows: _cut(a, f, n), arrays)
            parts.append(jax.tree.map(lambda out, n=rows: np.asarray(out)[:n], self(batch)))
        return jax.tree.map(lambda *each: np.concatenate(each), *parts)

    def _batch_size(self, wanted):
        rows = self._inputs[0].shape[0]
        return rows if isinstance(rows, int) else wanted

    def _fitted(self, inputs):
        leaves, tree = jax.tree.flatten(inputs)
        if tree != self._in_tree:
            got = str(tree).removeprefix("PyTreeDef(").removesuffix(")")
            got = (
                got
                if len(got) <= 100
                else f"a nest of {len(leaves):,} values; a list of numbers is an array first, by np.asarray"
            )
            raise ValueError(f"{self.name!r} takes inputs in the structure {self.input_shapes}; got {got}.")
        arrays = []
        for leaf, aval, name in zip(leaves, self._inputs, self.input_names):
            array = leaf if isinstance(leaf, jax.Array) else np.asarray(leaf)
            if array.ndim != len(aval.shape) or any(
                isinstance(want, int) and want != have for want, have in zip(aval.shape[1:], array.shape[1:])
            ):
                raise ValueError(f"Input {name!r} of {self.name!r} has shape {_shape(aval)}; got {array.shape}.")
            arrays.append(array.astype(aval.dtype))
        if not all(len(array) for array in arrays):
            raise ValueError(f"{self.name!r} was given no rows.")
        return jax.tree.unflatten(tree, arrays)

    def __repr__(self):
        taken, given = (
            ", ".join(f"{name} {aval.dtype}{list(map(str, aval.shape))}".replace("'", "") for name, aval in zip(*pair))
            for pair in ((self.input_names, self._inputs), (self.output_names, self.exported.out_avals))
        )
        return f"<Served {self.name!r}: {taken} -> {given}>"


def load(filepath: str | os.PathLike[str]) -> Any:
    """Open a file that `Model.export(filepath, format="stablehlo")` wrote, or a folder of such files that `ExportArchive.write_out` did.

    Such a file is a program that computes, and reads and writes nothing. One that calls native code by other names than those of JAX's
    own numerics, which could do anything (a call back into Python is one), is refused.

    Args:
        filepath: path.

    Returns:
        `Served`; of a folder `ServedArchive`, which has one for each endpoint.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no such file, is cut off, or calls native code.

    Example:
        >>> model.export("model.stablehlo", format="stablehlo")
        >>> served = phasewise.export.load("model.stablehlo")
        >>> served.predict(x)
    """
    path = os.fspath(filepath)
    return stablehlo_folder.read(path, _program) if os.path.isdir(path) else _program(path)


def _program(path):
    from jax import export

    with open(path, "rb") as file:
        content = file.read()
    try:
        exported = export.deserialize(bytearray(content))
        served, foreign = Served(exported), foreign_calls(exported)
    except Exception as error:
        raise ValueError(
            f"{path!r} is no StableHLO file of jax.export, or is cut off ({len(content):,} bytes): {type(error).__name__}: {error}"
        ) from error
    if foreign:
        raise ValueError(f"{path!r} calls native code beyond JAX's own numerics ({', '.join(foreign)}); it is not run.")
    return served


def _about(exported):
    """What the file says of itself; made up for one that something else exported."""
    try:
        about = json.loads(exported.fun_name)
    except ValueError:
        about = None
    names = {"model": exported.fun_name, "takes_seed": False, "rows_mix": True}
    made = {
        **names,
        "inputs": [f"input_{i}" for i in range(len(exported.in_avals))],
        "outputs": [f"output_{i}" for i in range(len(exported.out_avals))],
    }
    return about if isinstance(about, dict) and set(made) <= set(about) else made


def _shape(aval):
    return tuple(n if isinstance(n, int) else str(n) for n in aval.shape)


def _cut(array: Array, first: int, rows: int) -> np.ndarray:
    part = np.asarray(array[first : first + rows])
    return part if len(part) == rows else np.concatenate([part, np.repeat(part[:1], rows - len(part), 0)])
