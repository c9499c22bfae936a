"""phasewise: neural networks whose layers behave differently in training and in inference, made visible and testable."""

import sys
from typing import TYPE_CHECKING

from phasewise.core import collector as _collector

if TYPE_CHECKING:  # what is imported when it is asked for, below
    from phasewise import datasets, export, ops, preprocessing, saving, utils, visualization
    from phasewise.models.folding.fold import fold
    from phasewise.scripts.running import run
    from phasewise.shift.adapting import adapt
    from phasewise.shift.audit import audit
    from phasewise.shift.monitor import Monitor
    from phasewise.shift.recalibrate import recalibrate

with _collector.paused():
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
        tree,
        wrappers,
    )
    from phasewise.core import program_cache, warning
    from phasewise.core import public as _public
    from phasewise.core.device import device
    from phasewise.core.naming import name_scope
    from phasewise.core.precision import DTypePolicy, dtype_policy, set_dtype_policy
    from phasewise.core.random import set_random_seed
    from phasewise.core.variable import Variable
    from phasewise.data import Dataset
    from phasewise.dtype_policies import FloatDTypePolicy
    from phasewise.graph.recomputing import remat
    from phasewise.graph.symbolic import SymbolicTensor as KerasTensor
    from phasewise.initializers import Initializer
    from phasewise.layer.input_spec import InputSpec
    from phasewise.layer.layer import Layer
    from phasewise.layer.recomputing import RematScope
    from phasewise.layer.stateless_scope import StatelessScope
    from phasewise.layers import Input
    from phasewise.losses import Loss
    from phasewise.metrics import Metric
    from phasewise.models import Model, Sequential
    from phasewise.models.pure import pure
    from phasewise.optimizers import Optimizer
    from phasewise.regularizers import Regularizer
    from phasewise.switch.phase import learning_phase_scope
    from phasewise.switch.statistics_policy import blend, statistics
    from phasewise.training.differentiation import grad, value_and_grad
    from phasewise.training.nonfinite import NonFiniteError

__version__ = "0.1.0"

__all__ = [
    "DTypePolicy",
    "Dataset",
    "FloatDTypePolicy",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Monitor",
    "NonFiniteError",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
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
    "datasets",
    "device",
    "dtype_policies",
    "dtype_policy",
    "export",
    "fold",
    "grad",
    "initializers",
    "layers",
    "learning_phase_scope",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "pure",
    "random",
    "recalibrate",
    "regularizers",
    "remat",
    "run",
    "saving",
    "set_dtype_policy",
    "set_random_seed",
    "statistics",
    "tree",
    "utils",
    "value_and_grad",
    "version",
    "visualization",
    "warning",
    "wrappers",
]

# Modules that Keras's users import from the root, and that stand in the room they belong to (as os.path does).
for _module in (warning,):
    sys.modules[f"phasewise.{_module.__name__.rpartition('.')[2]}"] = _module

program_cache.switch_on()


def version() -> str:
    """The version of phasewise."""
    return __version__


# What takes a while to import, and not every script needs: name -> the module that it is, or that has it.
_LATER = {
    name: f"phasewise.{name}"
    for name in ("datasets", "export", "ops", "preprocessing", "saving", "shift", "utils", "visualization")
}
_LATER |= dict.fromkeys(("Monitor", "adapt", "audit", "recalibrate"), "phasewise.shift")
_LATER |= {"fold": "phasewise.models.folding", "run": "phasewise.scripts.running"}
# Keras keeps these in `models` too; what opens files stands above that room.
_IN_MODELS = dict.fromkeys(("load_model", "save_model"), "phasewise.saving")

for _name in (*__all__, "optimizers.schedules"):
    if f"phasewise.{_name}" in sys.modules:
        _public.finish(f"phasewise.{_name}", _IN_MODELS if _name == "models" else {})
_public.finish("phasewise", _LATER)
