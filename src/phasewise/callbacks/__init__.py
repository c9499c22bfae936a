"""Callbacks: what runs at the seams of `fit`, `evaluate` and `predict`. Names and arguments are Keras 3's."""

from phasewise.callbacks.backup_and_restore import BackupAndRestore
from phasewise.callbacks.callback import Callback
from phasewise.callbacks.callback_list import CallbackList
from phasewise.callbacks.csv_logger import CSVLogger
from phasewise.callbacks.early_stopping import EarlyStopping
from phasewise.callbacks.history import History
from phasewise.callbacks.lambda_callback import LambdaCallback
from phasewise.callbacks.learning_rate_scheduler import LearningRateScheduler
from phasewise.callbacks.model_checkpoint import ModelCheckpoint
from phasewise.callbacks.orbax_checkpoint import OrbaxCheckpoint
from phasewise.callbacks.progbar_logger import ProgbarLogger
from phasewise.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from phasewise.callbacks.remote_monitor import RemoteMonitor
from phasewise.callbacks.swap_ema_weights import SwapEMAWeights
from phasewise.callbacks.tensor_board import TensorBoard
from phasewise.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
