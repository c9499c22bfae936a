"""The formats that a model is exported to, and what is said of those that are not written here."""

import os
import pathlib
from typing import Any

from phasewise.core.registry import did_you_mean
from phasewise.core.types import Nest
from phasewise.export import onnx, saved_model, stablehlo
from phasewise.export.inference import Inference, inference
from phasewise.files.atomic_file import check_writable

WRITERS = {"stablehlo": stablehlo.write, "onnx": onnx.write, "tf_saved_model": saved_model.write}
ENDINGS = {".stablehlo": "stablehlo", ".onnx": "onnx"}
OPTIONS = {
    "stablehlo": {"platforms"},
    "onnx": {"opset_version"},
    "tf_saved_model": {"is_static", "jax2tf_kwargs"},
}
ELSEWHERE = {
    "openvino": "OpenVINO reads ONNX: export to 'onnx', then openvino.convert_model('model.onnx').",
    "litert": "LiteRT is made from a SavedModel: export to 'tf_saved_model', then tf.lite.TFLiteConverter.from_saved_model(path).",
    "torch": "a torch ExportedProgram is made of PyTorch modules; 'onnx' and 'stablehlo' run without phasewise.",
}


def format_of(filepath: str | os.PathLike[str], format: str | None) -> str:
    """The format that was given, or that the ending of the path says; Keras's default, "tf_saved_model", where it says none.

    Raises:
        ValueError: no such format, or one that is not written here, with the way to it; or the ending is that of another format.
    """
    if format is None:
        return ENDINGS.get(pathlib.Path(filepath).suffix.lower(), "tf_saved_model")
    if format in WRITERS:
        told = ENDINGS.get(pathlib.Path(filepath).suffix.lower(), format)
        if told != format:
            raise ValueError(
                f"{os.fspath(filepath)!r} ends as a file of the format {told!r} does, but format={format!r} was given: leave one of them "
                "out, or let them agree."
            )
        return format
    if format in ELSEWHERE:
        raise ValueError(f"format={format!r} is not written here: {ELSEWHERE[format]}")
    raise ValueError(
        f"Unknown export format {format!r}.{did_you_mean(format, [*WRITERS, *ELSEWHERE])} Formats: {', '.join(map(repr, WRITERS))}."
    )


def write(
    model: Any,
    filepath: str | os.PathLike[str],
    format: str | None = None,
    *,
    input_signature: Nest = None,
    statistics: Any = None,
    options: dict[str, Any],
) -> tuple[str, Inference]:
    """Write the predictions of `model` to a file (a folder for "tf_saved_model").

    Returns:
        The format, and what was written.

    Raises:
        TypeError: an option that the format does not take.
        ImportError: a format that needs a library which is not installed.
        ValueError: what cannot be exported, and why.
        OSError: the file cannot be written; what was there before is whole.
    """
    format = format_of(filepath, format)
    unknown = set(options) - OPTIONS[format]
    if unknown:
        name = sorted(unknown)[0]
        raise TypeError(
            f"export to {format!r} takes no {name!r}.{did_you_mean(name, OPTIONS[format])} It takes: input_signature, statistics, fold, "
            f"{', '.join(sorted(OPTIONS[format]))}."
        )
    asked = inference(model, input_signature, statistics)
    if format != "tf_saved_model":
        check_writable(filepath)
    WRITERS[format](filepath, asked, **options)
    return format, asked
