"""TensorFlow's SavedModel, by jax2tf, where TensorFlow is."""

import os
from typing import Any

from phasewise.export.inference import Inference


def write(path: str | os.PathLike[str], inference: Inference, is_static: bool = True, jax2tf_kwargs: Any = None) -> Any:
    """Write the folder."""
    raise NotImplementedError
