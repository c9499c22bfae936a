"""phasewise: neural networks whose layers behave differently in training and in inference, made visible and testable."""

import importlib as _importlib
import sys

from phasewise import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    data,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    optimizers,
    random,
    regularizers,
    saving,
    tree,
    utils,
    wrappers,
)
from phasewise.core import program_cache, warning
from phasewise.core.precision import DTypePolicy, dtype_policy, set_dtype_policy
from phasewise.core.random import set_random_seed
from phasewise.core.registry import near_names as _near_names
from phasewise.core.variable import Variable
from phasewise.data import Dataset
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer
from phasewise.layers import Input
from phasewise.models import Model, Sequential
from phasewise.models.folding import fold
from phasewise.models.pure import pure
from phasewise.shift import Monitor, adapt, audit, recalibrate
from phasewise.switch.phase import learning_phase_scope
from phasewise.switch.statistics_policy import blend, statistics
from phasewise.training.nonfinite import NonFiniteError

__version__ = "0.1.0"

__all__ = [
    "DTypePolicy",
    "Dataset",
    "Input",
    "InputSpec",
    "Layer",
    "Model",
    "Monitor",
    "NonFiniteError",
    "Sequential",
    "Variable",
    "activations",
    "adapt",
    "audit",
    "backend",
    "blend",
    "callbacks",
    "config",
    "constraints",
    "data",
    "dtype_policies",
    "dtype_policy",
    "fold",
    "initializers",
    "layers",
    "learning_phase_scope",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "pure",
    "random",
    "recalibrate",
    "regularizers",
    "saving",
    "set_dtype_policy",
    "set_random_seed",
    "statistics",
    "tree",
    "utils",
    "warning",
    "wrappers",
]

# Modules that Keras's users import from the root, and that stand in the room they belong to (as os.path does).
for _module in (warning,):
    sys.modules[f"phasewise.{_module.__name__.rpartition('.')[2]}"] = _module

program_cache.switch_on()

# A name that a public module lacks is answered with the nearest one.
for _name in (*(n for n in __all__ if f"phasewise.{n}" in sys.modules), "optimizers.schedules"):
    if not hasattr(sys.modules[f"phasewise.{_name}"], "__getattr__"):
        sys.modules[f"phasewise.{_name}"].__getattr__ = _near_names(f"phasewise.{_name}")
_refuse = _near_names("phasewise")


def __getattr__(name):
    """`ops`, which take a while to import and which not every script needs; any other name is refused."""
    return _importlib.import_module("phasewise.ops") if name == "ops" else _refuse(name)
