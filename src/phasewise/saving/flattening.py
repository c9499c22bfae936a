"""Whether what a layer takes was flattened from images or sequences, whose channels come last here and first in PyTorch."""

from typing import Any

import numpy as np

from phasewise.layer.layer import Layer
from phasewise.layers.reshaping import Flatten, Reshape
from phasewise.saving.torch_layers import MisfitError


def check_flattened(layer: Layer, flattened: Any, module: str) -> None:
    """See whether the order of a layer's inputs is another in PyTorch, and nobody has said so.

    Raises:
        MisfitError: it is.
    """
    if flattened is not None or not hasattr(layer, "kernel") or len(layer.kernel.shape) != 2:
        return
    shape = _flattened_into(layer)
    if shape is not None and shape[-1] != 1 and np.prod(shape[:-1]) != 1:
        first = (shape[-1], *shape[:-1])
        raise MisfitError(
            f"its input was flattened from {shape}, channels last; PyTorch flattens channels first, so that the columns of {module}.weight "
            f"have another order. Say flattened={{{module!r}: {first}}}"
        )


def _flattened_into(layer):
    """The shape, without the batch axis, that became the rows which the layer takes in a graph; None where nothing did."""
    for args, _ in layer._nodes:
        tensor = args[0] if args else None
        while getattr(tensor, "node", None) is not None:
            sources = tensor.node.parents
            if isinstance(tensor.node.operation, Flatten | Reshape):
                shape = sources[0].shape[1:]
                return shape if len(shape) > 1 and None not in shape else None
            if len(sources) != 1 or sources[0].shape != tensor.shape:
                break
            tensor = sources[0]
    return None
