"""Callbacks: what runs at the seams of `fit`, `evaluate` and `predict`. Names and arguments are Keras 3's."""

from phasewise.training.callbacks.callback import Callback
from phasewise.training.callbacks.callback_list import CallbackList
from phasewise.training.callbacks.csv_logger import CSVLogger
from phasewise.training.callbacks.early_stopping import EarlyStopping
from phasewise.training.callbacks.history import History
from phasewise.training.callbacks.lambda_callback import LambdaCallback
from phasewise.training.callbacks.learning_rate_scheduler import LearningRateScheduler
from phasewise.training.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from phasewise.training.callbacks.terminate_on_nan import TerminateOnNaN

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
