"""StableHLO: a model's predictions in one file that JAX (with flatbuffers) opens and runs, without phasewise."""

import contextlib
import dataclasses
import json
import os
from typing import Any

import jax
import numpy as np

from phasewise.export.inference import Inference
from phasewise.export.tracing import told, with_open_sizes
from phasewise.files.atomic_file import written_whole

PLATFORMS = ("cpu", "cuda", "tpu")
MOST_BYTES = (2 << 30) - (1 << 24)  # of weights: the file is one flat buffer, whose offsets have 31 bits


def write(path: str | os.PathLike[str], inference: Inference, platforms: Any = PLATFORMS) -> Any:
    """Write the file, whole or not at all.

    Args:
        path: of the file.
        inference: what it computes.
        platforms: which it can run on: some of "cpu", "cuda", "rocm", "tpu".

    Returns:
        The `jax.export.Exported` that was written.

    Raises:
        ValueError: a layer needs sizes that are left open, or the weights are too large.
    """
    exported = lowered(inference, platforms)
    content = exported.serialize()
    with written_whole(path) as file:
        file.write(content)
    return exported


def lowered(inference: Inference, platforms: Any = PLATFORMS) -> Any:
    """The program as a `jax.export.Exported`, whose `fun_name` is a JSON object that has the names: see `described`."""
    if inference.bytes > MOST_BYTES:
        raise ValueError(
            f"{inference.name!r} has weights of {inference.bytes / 2**30:.1f} GiB; one StableHLO file holds less than 2 GiB. Export its "
            "parts, or store the weights in bfloat16."
        )
    try:
        exported = with_open_sizes(inference.signature, lambda specs, _: _traced(inference, specs, tuple(platforms)))
    except Exception as trouble:
        raise _explained(inference, trouble) from trouble
    return dataclasses.replace(exported, fun_name=json.dumps(described(inference)))


def described(inference: Inference) -> dict[str, Any]:
    """What the file says of itself: the names of inputs and outputs in the order of the leaves, and what else a caller must know."""
    return {
        "model": inference.name,
        "inputs": [slot.name for slot in inference.signature.slots],
        "outputs": inference.output_names,
        "takes_seed": inference.draws,
        "rows_mix": inference.rows_mix,
    }


def _traced(inference, specs, platforms):
    from jax import export

    arguments = (specs, jax.ShapeDtypeStruct((), np.uint32)) if inference.draws else (specs,)
    with _no_places_in_code():
        return export.export(jax.jit(inference.function), platforms=platforms)(*arguments)


@contextlib.contextmanager
def _no_places_in_code():
    """Without the paths of the files whose code was traced: they would tell of the machine that the program came from."""
    kept = jax.config.jax_traceback_in_locations_limit
    jax.config.update("jax_traceback_in_locations_limit", 0)
    try:
        yield
    finally:
        jax.config.update("jax_traceback_in_locations_limit", kept)


def _explained(inference, trouble):
    shapes = {slot.name: slot.shape for slot in inference.signature.slots}
    return ValueError(
        f"{inference.name!r} cannot be exported with the sizes left open that are None in {shapes}: {told(trouble)} Give "
        "input_signature with the sizes that it is to be served with, such as phasewise.InputSpec(shape=(1, ...))."
    )
