"""Checkpoints that are written while the training goes on."""

import contextlib
from collections.abc import Iterator

from phasewise import callbacks as known
from phasewise.callbacks import CallbackList, ModelCheckpoint
from phasewise.data.resident import Resident
from phasewise.files.behind import Behind

_QUIET = {
    known.CSVLogger,
    known.EarlyStopping,
    known.History,
    known.ModelCheckpoint,
    known.ProgbarLogger,
    known.ReduceLROnPlateau,
    known.SwapEMAWeights,
    known.TerminateOnNaN,
}


@contextlib.contextmanager
def written_behind(callbacks: CallbackList, *executors: object) -> Iterator[None]:
    """Let the checkpoints of a run be written by another thread, all by the end of the block, where nobody looks at them before.

    So it is if the data are arrays in memory and no callback runs code of a user's, tells a server of the epoch, or notes in a backup
    what was saved. Otherwise a checkpoint is on the disk before the next callback is called.
    """
    checkpoints = [callback for callback in callbacks if isinstance(callback, ModelCheckpoint)]
    nobody_looks = all(type(callback) in _QUIET for callback in callbacks) and all(
        isinstance(executor, Resident) for executor in executors
    )
    if not checkpoints or not nobody_looks:
        yield
        return
    with Behind() as behind:
        for checkpoint in checkpoints:
            checkpoint.behind = behind
        try:
            yield
        finally:
            for checkpoint in checkpoints:
                checkpoint.behind = None
