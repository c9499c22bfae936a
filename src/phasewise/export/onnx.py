"""ONNX, by the converter jax2onnx; what it makes is run by onnxruntime and compared before it is kept."""

import os
from typing import Any

from phasewise.export.inference import Inference


def write(path: str | os.PathLike[str], inference: Inference, opset_version: int | None = None) -> Any:
    """Write the file."""
    raise NotImplementedError
