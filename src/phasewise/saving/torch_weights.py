"""PyTorch's state dicts in models here, by a map from its modules to our layers."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phasewise.core.registry import did_you_mean
from phasewise.core.types import ArrayLike
from phasewise.files.array_files import SAFETENSORS, opened_arrays
from phasewise.files.fit import Fit, LoadedWeights
from phasewise.files.named_weights import Held
from phasewise.files.weights_file import require_built
from phasewise.saving.flattening import check_flattened
from phasewise.saving.torch_layers import MisfitError, Module, pairs_of
from phasewise.saving.torch_names import Names, check_names, layers_by_module, listed, unmapped

_TRACKED = "num_batches_tracked"


def load_torch_weights(
    model: Any,
    state: str | os.PathLike[str] | Mapping[str, ArrayLike],
    names: Names,
    *,
    flattened: Mapping[str, Sequence[int]] | None = None,
    counts: Mapping[str, int] | None = None,
    skip_mismatch: bool = False,
) -> LoadedWeights:
    """Give a built model the weights of a PyTorch model, converted to our conventions.

    Known are Linear, Conv1d/2d/3d (depthwise too), ConvTranspose1d/2d/3d, BatchNorm, LayerNorm, GroupNorm, RMSNorm, Embedding, PReLU, RNN,
    LSTM and GRU (in one direction or both), and MultiheadAttention. What a state dict does not hold must be said where the layers are made:
    epsilon (1e-5 in PyTorch, 1e-3 in Keras), momentum (`BatchNormalization(momentum=1 - theirs)`, 0.9 for its default), padding
    (PyTorch's `padding=1` with strides is not "same"), activations.

    Args:
        state: path of a `.safetensors` file, or a dict from parameter to array or tensor (`module.state_dict()`). A pickle (`.pt`) is refused.
        names: dict from the name of each module ("features.0") to that of a layer ("conv", or "block/conv" inside a model "block"); a list of
            layers for a recurrent module of several.
        flattened: dict from the name of a Linear that follows a Flatten of images or sequences to the shape, channels first, of what was
            flattened: `{"fc": (64, 7, 7)}`. PyTorch puts channels before positions, a model with channels last behind them, so that the
            columns of the weight have another order here.
        counts: dict from the name of a BatchNorm to the number of values a channel has in a batch (batch size times positions): its moving
            variance then becomes what ours would be, of biased variances. Without it the variance is taken as it is, and inference is exactly
            PyTorch's; see `BatchNormalization.from_convention`.
        skip_mismatch: take the layers that fit, and warn of the others.

    Returns:
        A report of what was taken and what was not.

    Raises:
        ValueError: modules or layers that are not mapped, that do not exist, or are there twice; parameters that are missing, of another
            shape (the message has both), or of no use; a Linear behind a Flatten that `flattened` does not speak of. Nothing is changed then.
        OSError: the file cannot be read.
    """
    require_built(model, "load")
    with _arrays(state) as (title, arrays):
        fit = Fit(model, title)
        layers, theirs = layers_by_module(model, names), _by_module(arrays, names)
        fit.problems += _unmapped(model, layers, theirs, names, arrays)
        check_names(names, flattened, counts)
        for name, layer in layers:
            module = Module(name, theirs.pop(name, {}), (flattened or {}).get(name), (counts or {}).get(name))
            fit.problems += _add(fit, layer, module)
        return fit.take(skip_mismatch)


def _add(fit, layer, module):
    """Fit a layer to its module; what is wrong with them."""
    if not module.arrays:
        return []  # told as an unknown name
    try:
        check_flattened(layer, module.flattened, module.name)
        pairs = list(pairs_of(layer, module))
    except MisfitError as error:
        return [f"{type(layer).__name__} {layer.name!r}: {error}"]
    if left := [name for name in module.left_over() if not name.endswith(_TRACKED)]:
        return [f"{type(layer).__name__} {layer.name!r} has no use for {', '.join(map(repr, left))}"]
    for variable, value in pairs:
        fit.add(layer, f"{type(layer).__name__} {layer.name!r}", [variable], [Held(value, f"{module.name!r}")])
    return []


@contextlib.contextmanager
def _arrays(state) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(state, Mapping):
        yield "the state dict", {str(name): Held(array, f"{name!r} in the state dict") for name, array in state.items()}
        return
    path = os.fspath(state)
    if not path.endswith(SAFETENSORS):
        raise ValueError(
            f"A state dict comes from a {SAFETENSORS!r} file, or as a dict of arrays; got {path!r}. PyTorch's own files are pickles, which run "
            "code when they are opened: there, save_file(module.state_dict(), path) of safetensors.torch writes one that does not."
        )
    with opened_arrays(path) as arrays:
        yield path, arrays


# -- whose is what


def _by_module(arrays, names):
    """dict from the name of a module in `names` to its parameters by their names in it. Others stand under None, by their whole names."""
    found = {}
    for name, array in arrays.items():
        owner = max((module for module in names if name.startswith(f"{module}.")), key=len, default=None)
        short = name if owner is None else name[len(owner) + 1 :]
        if owner is not None and not isinstance(names[owner], str):
            owner, short = _of_several(owner, short)
        found.setdefault(owner, {})[short] = array
    return found


def _of_several(module, parameter):
    """The layer inside a recurrent module whose parameter this is, and its name there if it were the only one."""
    stem, _, number = parameter.partition("_l")
    number, reverse = number.removesuffix("_reverse"), "_reverse" if number.endswith("_reverse") else ""
    return (f"{module}#{number}", f"{stem}_l0{reverse}") if number.isdigit() else (module, parameter)


def _unmapped(model, layers, theirs, names, arrays):
    """Texts on what only one side has."""
    problems = []
    strangers = [name for name in theirs.get(None, {}) if not name.endswith(_TRACKED)]
    if strangers:
        modules = dict.fromkeys(name.rpartition(".")[0] for name in strangers)
        problems.append(f"`names` says nothing of the modules {listed(modules)}")
    absent = [name for name, _ in layers if name not in theirs]
    known = dict.fromkeys(name.rpartition(".")[0] for name in arrays)
    problems += [
        f"there are no parameters of a module {name.partition('#')[0]!r}.{did_you_mean(name, known)}" for name in absent
    ]
    if bare := unmapped(model, layers):
        problems.append(f"`names` says nothing of the layers {listed(bare)}")
    return problems
