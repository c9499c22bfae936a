"""Models here as PyTorch's state dicts, by a map from its modules to our layers."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from phasewise.files.array_files import SAFETENSORS, write_arrays
from phasewise.files.weights_file import require_built
from phasewise.saving.flattening import check_flattened
from phasewise.saving.torch_layers import MisfitError
from phasewise.saving.torch_modules import Weights, parameters_of
from phasewise.saving.torch_names import Names, check_names, layers_by_module, listed, unmapped


class TorchState(dict):
    """A state dict of PyTorch's: names of parameters to NumPy arrays.

    Attributes:
        arguments: dict from the name of each normalization to those arguments of its constructor that a state dict does not hold:
            `{"bn": {"eps": 0.001, "momentum": 0.01, "num_features": 64}}`. PyTorch's defaults are others than ours.
    """

    def __init__(self) -> None:
        super().__init__()
        self.arguments = {}


def weights_to_torch(
    model: Any,
    names: Names,
    *,
    flattened: Mapping[str, Sequence[int]] | None = None,
    counts: Mapping[str, int] | None = None,
) -> TorchState:
    """The weights of a built model as the state dict of a PyTorch model, in its conventions: the reverse of `load_torch_weights`.

    The modules must be made to compute what the layers do. What a state dict does not hold is to be said where they are made: `eps` and
    `momentum` (`arguments` of what is returned has them, PyTorch's defaults are others), `batch_first=True` for recurrent modules and
    attention, padding, activations. There, `module.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})`.

    Of the two biases of an LSTM or RNN, which are added, the second is zero. `num_batches_tracked` is what `fit` has counted.

    Args:
        names: dict from the name of each module ("features.0") to that of a layer ("conv", or "block/conv" inside a model "block"); a list of
            layers for a recurrent module of several.
        flattened: dict from the name of a Linear that follows a Flatten of images or sequences to the shape, channels first, of what is
            flattened there: `{"fc": (64, 7, 7)}`.
        counts: dict from the name of a BatchNorm to the number of values a channel had in a batch (batch size times positions): `running_var`
            then becomes what it would be of unbiased variances. Without it the moving variance is taken as it is, and inference is exactly
            ours; see `BatchNormalization.to_convention`.

    Returns:
        `TorchState`, a dict of NumPy arrays with the `arguments` of normalizations.

    Raises:
        ValueError: layers that have no counterpart, compute what it does not, are not mapped, do not exist, or are there twice; a Dense
            behind a Flatten that `flattened` does not speak of. All of them are named.
    """
    require_built(model, "write")
    layers, state, problems = layers_by_module(model, names), TorchState(), []
    check_names(names, flattened, counts)
    for name, layer in layers:
        weights = Weights(layer, name, (flattened or {}).get(name), (counts or {}).get(name))
        try:
            check_flattened(layer, weights.flattened, name)
            found = {_whole_name(name, short): np.array(a, order="C") for short, a in parameters_of(layer, weights)}
        except MisfitError as error:
            problems.append(f"{type(layer).__name__} {layer.name!r}: {error}")
            continue
        state.update(found)
        if weights.arguments:
            state.arguments[name] = weights.arguments
    if bare := unmapped(model, layers):
        problems.append(f"`names` says nothing of the layers {listed(bare)}")
    if problems:
        raise ValueError(
            f"The model {model.name!r} cannot be written as a state dict of PyTorch's:"
            + "".join(f"\n  {p}" for p in problems)
        )
    return state


def save_torch_weights(
    model: Any,
    filepath: str | os.PathLike[str],
    names: Names,
    *,
    flattened: Mapping[str, Sequence[int]] | None = None,
    counts: Mapping[str, int] | None = None,
) -> TorchState:
    """Write `weights_to_torch(model, names, ...)` to a `.safetensors` file, whole or not at all.

    There, `module.load_state_dict(load_file(filepath))` of `safetensors.torch` reads it. Its metadata have the `arguments` as JSON.

    Raises:
        ValueError: see `weights_to_torch`; or the path has another ending.
        ImportError: safetensors is not installed.
        OSError: it could not be written; a file that was there is as it was.
    """
    path = os.fspath(filepath)
    if not path.endswith(SAFETENSORS):
        raise ValueError(f"A state dict is written to a {SAFETENSORS!r} file; got {path!r}.")
    state = weights_to_torch(model, names, flattened=flattened, counts=counts)
    write_arrays(path, state, {"format": "pt", "arguments": json.dumps(state.arguments)})
    return state


def _whole_name(module, parameter):
    """`parameter` in a module; in layer 1 of a recurrent one of several it ends in _l1."""
    name, _, number = module.partition("#")
    return f"{name}.{parameter.replace('_l0', f'_l{number}') if number else parameter}"
