"""Which module of phasewise stands for which module that a script written for Keras imports."""

import importlib.util

ROOTS = ("tensorflow.python.keras", "tensorflow.keras", "keras.api", "tf_keras", "keras")
"""Where people import Keras from; of two that fit, the longer stands first."""

PACKAGES = ("keras", "tensorflow", "tf_keras")
"""What an import of begins with that is answered here, and nowhere else."""

_OF_KERAS = """
    activations applications backend callbacks config constraints datasets datasets.boston_housing datasets.california_housing
    datasets.cifar10 datasets.cifar100 datasets.fashion_mnist datasets.imdb datasets.mnist datasets.reuters distillation distribution
    dtype_policies export initializers layers legacy legacy.saving losses metrics mixed_precision models ops ops.image ops.linalg
    ops.nn ops.numpy optimizers optimizers.legacy optimizers.schedules preprocessing preprocessing.image preprocessing.sequence
    quantizers random regularizers saving tree utils utils.bounding_boxes utils.legacy visualization wrappers
"""
MODULES = frozenset(_OF_KERAS.split())
"""The public modules of Keras 3. Those that exist under the same name in phasewise are there for a script."""

_FAMILIES = """
    activations advanced_activations attention convolutional convolutional_recurrent core embeddings local merge merging noise
    normalization pooling recurrent recurrent_v2 regularization reshaping rnn wrappers
"""
FORMER = {
    **dict.fromkeys(_FAMILIES.split(), "layers"),
    **dict.fromkeys(("layer_utils", "np_utils", "vis_utils"), "utils"),
}
"""Where Keras 2 kept layers and utilities, as the last part of a name such as `keras.layers.core`: the module that has them now."""

TENSORFLOW = {
    "tensorflow": "version root",
    "tensorflow.config": "devices",
    "tensorflow.config.experimental": "devices",
    "tensorflow.data": "data",
    "tensorflow.data.experimental": "data",
    "tensorflow.math": "mathematics",
    "tensorflow.nn": "networks",
    "tensorflow.python": "",
    "tensorflow.python.data": "data",
    "tensorflow.python.data.ops": "",
    "tensorflow.python.data.ops.dataset_ops": "data",
    "tensorflow.random": "draws",
}
"""The modules of TensorFlow that have a stand-in: the files in `tensorflow_names/` that hold its names."""


def targets(name: str) -> tuple[str, ...] | None:
    """The modules in which the names of the module `name` are looked for, in this order; None where there is no such module here.

    Args:
        name: as a script imports it, such as "tensorflow.keras.layers".
    """
    if name in TENSORFLOW:
        return tuple(f"phasewise.scripts.tensorflow_names.{file}" for file in TENSORFLOW[name].split())
    part = keras_part(name)
    if part is None:
        return None
    if part == "":
        return ("phasewise.scripts.keras_root", "phasewise")
    if part in MODULES:
        own = f"phasewise.{part}"
        legacy = ("phasewise.scripts.legacy_backend",) if part == "backend" else ()
        return (own, *legacy) if _exists(own) else None
    above, _, last = part.rpartition(".")
    return (f"phasewise.{above}",) if above and FORMER.get(last) == above else None


def keras_part(name: str) -> str | None:
    """What stands behind the root of Keras in `name` ("layers" in "keras.layers", "" in "keras"); None where it is none of Keras's."""
    for root in ROOTS:
        if name == root or name.startswith(f"{root}."):
            return name[len(root) + 1 :]
    return None


def submodules(name: str) -> list[str]:
    """The last parts of the names of the modules directly below `name`."""
    known = [*TENSORFLOW, *ROOTS, *(f"{root}.{part}" for root in ROOTS for part in MODULES)]
    return sorted(
        {each.rpartition(".")[2] for each in known if each.rpartition(".")[0] == name and targets(each) is not None}
    )


def _exists(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # what it should lie in is not there either
        return False
