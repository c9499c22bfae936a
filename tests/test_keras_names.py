"""Every public name of every public module of Keras is here, less a table that gives a reason for each."""

import types

import keras
import pytest

import phasewise as pw

NOT_QUANTIZED = "weights are not quantized here"
FRAMEWORKS = "it wraps an object of another framework"
OLD_FILES = "it is for configs and files from before Keras 3"

# A name, or a module with all that is in it, in alphabetical order.
NOT_HERE = {
    "Function": "a Model of the same inputs and outputs is called in the same way",
    "Operation": "the base of layers and functions in Keras's own graph; what people write is a Layer or a function",
    "Quantizer": NOT_QUANTIZED,
    "SymbolicScope": "shapes are inferred by tracing, for which no scope is needed",
    "applications": "its networks come with weights, which would have to be downloaded",
    "distillation": "a train_step of one's own does it",
    "distribution": "arrays are placed on devices by JAX's own shardings",
    "dtype_policies.AWQDTypePolicy": NOT_QUANTIZED,
    "dtype_policies.GPTQDTypePolicy": NOT_QUANTIZED,
    "dtype_policies.Int4DTypePolicy": NOT_QUANTIZED,
    "dtype_policies.QuantizedDTypePolicy": NOT_QUANTIZED,
    "dtype_policies.QuantizedFloat8DTypePolicy": NOT_QUANTIZED,
    "layers.FlaxLayer": FRAMEWORKS,
    "layers.JaxLayer": "call of every Layer is written in JAX; parameters are made by add_weight",
    "layers.TFSMLayer": FRAMEWORKS,
    "layers.TorchModuleWrapper": FRAMEWORKS,
    "legacy": OLD_FILES,
    "optimizers.legacy": "in Keras 3 it holds nothing but classes that refuse to be made",
    "quantizers": NOT_QUANTIZED,
    "utils.legacy": OLD_FILES,
}


def modules(module, path=""):
    """Keras's public modules by their path behind the root."""
    yield path, module
    for name, value in sorted(vars(module).items()):
        below = f"{path}.{name}".strip(".")
        if (
            isinstance(value, types.ModuleType)
            and value.__name__ == f"keras.{below}"
            and name not in ("src", "_tf_keras")
        ):
            yield from modules(value, below)


THEIRS = dict(modules(keras))


def at(path):
    """What is here under a path, or None."""
    found = pw
    for name in filter(None, path.split(".")):
        found = getattr(found, name, None)
    return found


def names(path):
    """The public names of a module of Keras's with its path; submodules are looked at by themselves."""
    held = vars(THEIRS[path]).items()
    return [f"{path}.{n}".strip(".") for n, v in held if n[0] != "_" and not isinstance(v, types.ModuleType)]


def reason(path):
    """Why a name is not here, said of itself or of the module that it lies in."""
    return next((NOT_HERE[part] for part in prefixes(path) if part in NOT_HERE), None)


def prefixes(path):
    parts = path.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


@pytest.mark.parametrize("path", [path for path in THEIRS if path == "" or reason(path) is None])
def test_every_name_of_keras_is_here_or_has_a_reason(path):
    missing = [name for name in names(path) if at(name) is None and reason(name) is None]
    assert not missing, f"Make them, or enter them in NOT_HERE with a reason: {missing}"


def test_no_name_is_excused_that_is_here_or_that_keras_does_not_have():
    theirs = {name for path in THEIRS for name in names(path)} | set(THEIRS)
    stale = [name for name in NOT_HERE if name not in theirs or at(name) is not None]
    assert not stale, f"Strike them from NOT_HERE: {stale}"
    assert list(NOT_HERE) == sorted(NOT_HERE)
