"""Weights as a dict of arrays by name."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from phasewise.core.types import ArrayLike
from phasewise.files.fit import LoadedWeights
from phasewise.files.named_weights import Held, arrays_by_name, fit_named


def weights_to_dict(model: Any) -> dict[str, np.ndarray]:
    """The weights of a built model by the paths of its variables, without the model's own name: `{"dense/kernel": array, …}`.

    The arrays are NumPy copies, in Keras's layout. Keras has `model.get_state_tree`, nested; this one is flat, and what `.npz` and
    `.safetensors` files have.

    Raises:
        ValueError: two weights have the same name.
    """
    return {name: np.array(array) for name, array in arrays_by_name(model).items()}


def weights_from_dict(
    model: Any, weights: Mapping[str, ArrayLike], skip_mismatch: bool = False, by_name: bool | None = None
) -> LoadedWeights:
    """Give a built model the weights that `weights_to_dict` made, of it or of a model like it.

    Args:
        weights: dict from path to array, of any framework.
        skip_mismatch: take what fits, and warn of what does not.
        by_name: take the weights that both have, and warn of those that only the model has.

    Returns:
        A report of what was taken and what was not.

    Raises:
        ValueError: a weight that is missing, of another shape, or that the model has not; nothing is changed then.
    """
    stored = {name: Held(array, f"{name!r} in the dict") for name, array in weights.items()}
    return fit_named(model, "the dict", stored, by_name).take(skip_mismatch)
