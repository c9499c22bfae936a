"""phasewise: neural networks whose layers behave differently in training and in inference, made visible and testable."""

import sys

from phasewise import (
    activations,
    callbacks,
    constraints,
    data,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
    wrappers,
)
from phasewise.core import program_cache, random, warning
from phasewise.core.precision import DTypePolicy, dtype_policy, set_dtype_policy
from phasewise.core.random import set_random_seed
from phasewise.core.registry import near_names as _near_names
from phasewise.core.variable import Variable
from phasewise.data import Dataset
from phasewise.graph import ops
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer
from phasewise.layers import Input
from phasewise.models import Model, Sequential
from phasewise.models.folding import fold
from phasewise.models.pure import pure
from phasewise.shift import recalibrate
from phasewise.switch import backend
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
    "NonFiniteError",
    "Sequential",
    "Variable",
    "activations",
    "backend",
    "blend",
    "callbacks",
    "constraints",
    "data",
    "dtype_policy",
    "fold",
    "initializers",
    "layers",
    "learning_phase_scope",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "pure",
    "random",
    "recalibrate",
    "regularizers",
    "set_dtype_policy",
    "set_random_seed",
    "statistics",
    "utils",
    "warning",
    "wrappers",
]

# Modules that Keras's users import from the root, and that stand in the room they belong to (as os.path does).
for _module in (backend, ops, random, warning):
    sys.modules[f"phasewise.{_module.__name__.rpartition('.')[2]}"] = _module

program_cache.switch_on()

# A name that a public module lacks is answered with the nearest one.
for _name in (*(n for n in __all__ if f"phasewise.{n}" in sys.modules), "optimizers.schedules"):
    if not hasattr(sys.modules[f"phasewise.{_name}"], "__getattr__"):
        sys.modules[f"phasewise.{_name}"].__getattr__ = _near_names(f"phasewise.{_name}")
__getattr__ = _near_names("phasewise")
