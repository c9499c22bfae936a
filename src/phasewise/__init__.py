"""phasewise: neural networks whose layers behave differently in training and in inference, made visible and testable."""

import importlib as _importlib
import sys

from phasewise.core import collector as _collector

with _collector.paused():
    from phasewise import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        data,
        dtype_policies,
        export,
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
    from phasewise.core import keywords as _keywords
    from phasewise.core import program_cache, warning
    from phasewise.core.device import device
    from phasewise.core.naming import name_scope
    from phasewise.core.precision import DTypePolicy, dtype_policy, set_dtype_policy
    from phasewise.core.random import set_random_seed
    from phasewise.core.registry import near_names as _near_names
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
    from phasewise.models.folding import fold
    from phasewise.models.pure import pure
    from phasewise.optimizers import Optimizer
    from phasewise.regularizers import Regularizer
    from phasewise.shift import Monitor, adapt, audit, recalibrate
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

# Keras keeps these in `models` too; what opens files stands above that room.
models.load_model, models.save_model = saving.load_model, saving.save_model

program_cache.switch_on()

# A name that a public module lacks is answered with the nearest one, and so is an argument that a function in it lacks.
_inner = "optimizers.schedules", "utils.bounding_boxes", "ops.numpy", "ops.nn", "ops.linalg", "ops.image"
for _name in (*(n for n in __all__ if f"phasewise.{n}" in sys.modules), *_inner):
    _keywords.tell_in(sys.modules[f"phasewise.{_name}"], f"phasewise.{_name}")
    if not hasattr(sys.modules[f"phasewise.{_name}"], "__getattr__"):
        sys.modules[f"phasewise.{_name}"].__getattr__ = _near_names(f"phasewise.{_name}")
_keywords.tell_in(sys.modules["phasewise"], "phasewise")
_refuse = _near_names("phasewise")


# What takes a while to import, and not every script needs: name -> the module that it is, or that has it.
_LATER = {name: f"phasewise.{name}" for name in ("datasets", "ops", "preprocessing", "visualization")}
_LATER["run"] = "phasewise.scripts.running"


def version() -> str:
    """The version of phasewise."""
    return __version__


def __getattr__(name):
    """What is imported when it is asked for; any other name is refused."""
    if name not in _LATER:
        return _refuse(name)
    module = _importlib.import_module(_LATER[name])
    return module if module.__name__ == f"phasewise.{name}" else getattr(module, name)
