"""Stop when the loss is no number any more."""

import math

from phasewise.callbacks.callback import Callback, Logs


class TerminateOnNaN(Callback):
    """Ends training when the loss becomes NaN or infinite.

    The loss is looked at after every chunk of batches, not after every batch as in Keras: it is the mean over the epoch,
    so that no bad batch goes unseen, and the loop keeps its speed.

    Args:
        raise_error: raise instead of ending `fit` in good order (which calls `on_train_end` of all callbacks).

    Raises:
        RuntimeError: the loss is NaN or infinite, and `raise_error` is set.
    """

    def __init__(self, raise_error: bool = False):
        self.raise_error = raise_error

    def on_chunk_end(self, step: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        found = f"The loss is {loss} at or before batch {step} of this epoch"
        if self.raise_error:
            raise RuntimeError(f"{found}. Training is terminated.")
        print(f"{found}: training ends here.")
        self.model.stop_training = True
