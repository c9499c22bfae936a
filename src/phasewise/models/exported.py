"""Model.export."""

import os
from typing import Any

from phasewise.core.keywords import told
from phasewise.core.types import Nest
from phasewise.switch.statistics_policy import ByLayer, Policy


class Exported:
    """The part of a model that writes its predictions as a program to a file."""

    @told
    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str | None = None,
        verbose: bool | None = None,
        input_signature: Nest = None,
        *,
        statistics: Policy | ByLayer | dict[str, Any] | None = None,
        fold: bool = False,
        **kwargs: Any,
    ) -> None:
        """Write what `predict` computes as a program for serving: weights inside, and no layer, phase or phasewise needed any more.

        The program is in inference with moving statistics, unless something is pinned at a call, the learning phase is pinned, or
        `statistics` says otherwise: then it does what `predict` would do now. Batch statistics in it are those of the batch that it
        is given. Where something is drawn in inference (dropout pinned to training, a layer that samples), the program takes a
        seed beside the inputs, a uint32. It changes no state.

        "stablehlo" is one file, which JAX opens and runs (some six months of JAX's versions forward and backward):

            >>> model.export("model.stablehlo", format="stablehlo")
            >>> # elsewhere, without phasewise (pip install jax flatbuffers):
            >>> import jax
            >>> program = jax.export.deserialize(bytearray(open("model.stablehlo", "rb").read()))
            >>> outputs = program.call(inputs)  # of any number of rows

        Inputs and outputs are in the model's structure; flat, they are in the order of `jax.tree.leaves`: lists in order, dicts by
        sorted keys. `program.fun_name` is a JSON object with their names in that order: "inputs", "outputs". Each number of rows is
        compiled for when it first comes; `phasewise.export.load` opens the file and predicts in batches of one size. Against
        `predict`, outputs differ by the order of sums: less than 1e-6 of the largest.

        "onnx" is one file for onnxruntime and others, by the converter jax2onnx (`pip install 'phasewise[onnx]'`). What it makes is run
        and compared with the model before it is kept. "tf_saved_model" is a folder, by jax2tf where TensorFlow is installed.

        Args:
            filepath: path.
            format: "stablehlo", "onnx" or "tf_saved_model". None: what the ending says, .stablehlo or .onnx, else "tf_saved_model",
                Keras's default.
            verbose: whether a line is printed; None prints it.
            input_signature: the inputs' shapes and dtypes, `phasewise.InputSpec`s or arrays in the structure of the inputs, None for
                sizes that are left open. By default the number of rows, and what `Input` left open. A size may have to be given
                where a layer computes with it.
            statistics: as in `predict`: "batch", `blend(n)`, a dict by layer.
            fold: whether batch normalization goes into the weights of its neighbours first (`phasewise.fold`); refused where outputs
                on random inputs are not the model's to 1e-3 of the largest.
            kwargs: "stablehlo": `platforms`, some of "cpu", "cuda", "rocm", "tpu", by default all but rocm. "onnx": `opset_version`.
                "tf_saved_model": `jax2tf_kwargs`.

        Raises:
            ValueError: no such format, or an ending that is another's; what cannot be exported, and why: no weights yet, layers of
                strings, stateful recurrent layers, a layer that needs a size that is left open.
            ImportError: the format needs a library that is not installed.
            OSError: it could not be written. What was there before is whole.
        """
        from phasewise.export import folded, formats  # and what it takes to write them

        format = formats.format_of(filepath, format)
        subject, told = folded.of(self) if fold else (self, "")
        _, asked = formats.write(
            subject, filepath, format, input_signature=input_signature, statistics=statistics, options=kwargs
        )
        if verbose is not False:
            taken = ", ".join(f"{slot.name} {slot.dtype}{_shape(slot.shape)}" for slot in asked.signature.slots)
            print(
                f"Exported {self.name!r} to {os.fspath(filepath)} ({format}, {_size(filepath)}{told}): {taken} -> "
                f"{', '.join(asked.output_names)}"
            )


def _shape(shape):
    return str(list(shape)).replace("'", "")


def _size(path):
    if os.path.isdir(path):
        size = sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(path) for name in names)
    else:
        size = os.path.getsize(path)
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} GB"
