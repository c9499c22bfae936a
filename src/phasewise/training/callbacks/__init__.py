"""Callbacks, under Keras's names."""

from phasewise.training.callbacks.callback import Callback, CallbackList
from phasewise.training.callbacks.rates import LearningRateScheduler, ReduceLROnPlateau
from phasewise.training.callbacks.records import CSVLogger, History, LambdaCallback
from phasewise.training.callbacks.stopping import EarlyStopping, TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
