"""phasewise: neural networks whose layers behave differently in training and in inference, made visible and testable."""

from phasewise import (
    activations,
    backend,
    callbacks,
    constraints,
    data,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    warning,
)
from phasewise.data import Dataset
from phasewise.graph import Input
from phasewise.layer import Layer
from phasewise.model import Model
from phasewise.phase import learning_phase_scope
from phasewise.precision import DTypePolicy, dtype_policy, set_dtype_policy
from phasewise.pure import pure
from phasewise.random import set_random_seed
from phasewise.sequential import Sequential
from phasewise.shift import recalibrate
from phasewise.spec import InputSpec
from phasewise.statistics_policy import blend, statistics
from phasewise.training.nonfinite import NonFiniteError
from phasewise.variable import Variable

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
    "warning",
]
