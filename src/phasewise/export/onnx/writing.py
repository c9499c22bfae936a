"""A model's predictions in an ONNX file."""

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

import jax

from phasewise.core.naming import distinct
from phasewise.export.inference import Inference
from phasewise.export.onnx.checking import difference
from phasewise.export.onnx.parts import parts_of
from phasewise.export.onnx.rewriting import rewritten
from phasewise.export.tracing import told, with_open_sizes
from phasewise.files.atomic_file import written_whole

MOST_BYTES = (2 << 30) - (1 << 24)  # of weights: a protocol buffer has less than 2 GiB
WITHIN = 1e-4  # of the largest output: what onnxruntime may differ by from the model


class Unconvertible(Exception):
    """What the converter cannot do, in words."""


def write(path: str | os.PathLike[str], inference: Inference, opset_version: int | None = None) -> Any:
    """Write the file, whole or not at all, once onnxruntime has computed with it what the model computes, on random inputs.

    Args:
        path: of the file.
        inference: what it computes.
        opset_version: of ONNX; the converter's default is the latest that it knows.

    Returns:
        The `onnx.ModelProto`.

    Raises:
        ImportError: jax2onnx is not installed.
        ValueError: something in the model has no counterpart in ONNX, or is converted wrongly: the message names the layer.
    """
    _check(inference)
    try:
        proto, content = converted(inference, opset_version)
    except Unconvertible as trouble:
        raise ValueError(_explained(inference, trouble, opset_version)) from trouble
    with written_whole(path) as file:
        file.write(content)
    return proto


def converted(inference: Inference, opset_version: int | None) -> tuple[Any, bytes]:
    """The model as ONNX, checked, and its bytes.

    Raises:
        Unconvertible: the converter knows an operation not at all or not well enough.
    """
    from jax2onnx import to_onnx

    inputs = [slot.name for slot in inference.signature.slots]
    outputs = distinct([*inputs, *inference.output_names])[len(inputs) :]  # a name in ONNX belongs to one value

    def convert(specs, _):
        closed = jax.make_jaxpr(inference.function)(specs)
        options = {} if opset_version is None else {"opset": opset_version}
        with _converter_is_silent():
            return to_onnx(
                rewritten(closed),
                jax.tree.leaves(specs),
                model_name=inference.name,
                input_names=inputs,
                output_names=outputs,
                **options,
            )

    try:
        proto = with_open_sizes(inference.signature, convert)
        content = proto.SerializeToString()
        found = difference(inference, content)
    except Exception as error:
        raise Unconvertible(told(error)) from error
    if not found <= WITHIN:
        raise Unconvertible(f"what onnxruntime computes with the outcome differs by {found:.1e} of the largest output.")
    return proto, content


def _check(inference):
    if inference.draws:
        raise ValueError(
            f"{inference.name!r} draws random numbers in inference, and an ONNX program would draw the same ones at every call. Export "
            "it to 'stablehlo', whose programs take a seed."
        )
    if inference.bytes > MOST_BYTES:
        raise ValueError(
            f"{inference.name!r} has weights of {inference.bytes / 2**30:.1f} GiB; one ONNX file holds less than 2 GiB."
        )
    try:
        with _converter_is_silent():
            import jax2onnx  # noqa: F401
            import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"Export to ONNX needs the converter jax2onnx, and onnxruntime to check what it makes ({error}): pip install 'phasewise[onnx]'"
        ) from error


def _explained(inference, trouble, opset_version):
    """The message, with the first layer that cannot be converted by itself, and what to do."""
    found = f", though each of its layers can be by itself: {trouble}"
    for part in parts_of(inference):
        try:
            converted(part, opset_version)
        except Unconvertible as own:
            found = f" because of {part.name}: {own}"
            break
    advice = ""
    if inference.narrow:
        advice = f" It computes in {', '.join(inference.narrow)}: build it under the policy 'float32', and carry the weights over."
    elif inference.signature.has_open_axes:
        advice = " Give input_signature with the sizes that it is to be served with, such as phasewise.InputSpec(shape=(None, ...))."
    return f"{inference.name!r} cannot be converted to ONNX by jax2onnx{found}{advice}"


@contextlib.contextmanager
def _converter_is_silent() -> Iterator[None]:
    """Warnings of the converter's that are for its own authors are not shown."""
    loggers = [logging.getLogger(name) for name in ("jax2onnx", "onnx_ir", "root")]
    kept = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for each, level in zip(loggers, kept):
            each.setLevel(level)
