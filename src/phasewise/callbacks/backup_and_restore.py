"""Going on after a crash as if nothing had happened."""

import contextlib
import os
from typing import Any

from phasewise.callbacks.callback import Callback, Logs
from phasewise.callbacks.saving_frequency import check_frequency
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files import record
from phasewise.files.atomic_file import check_writable


class BackupAndRestore(Callback):
    """Writes the state of `fit` to a file again and again; a `fit` that finds the file goes on where that one was.

    What then comes is, to the bit, what would have come without the interruption: weights, optimizer, moving statistics, metrics,
    the place in the data and the order of every shuffle, random draws, and what callbacks keep (see `Callback.kept_in_backup`: those
    of phasewise name theirs, so that `History` and `CSVLogger` have the epochs before as well).

    Call the same script again. Data must be made by it as before: a shuffle without a seed is put into the order that it had. A generator is
    made anew and its first batches are passed over. Functions that draw from generators of their own are not known here.

    Where it differs from Keras: Keras keeps weights and the number of the epoch, so that random draws, the order of the data and callbacks
    begin anew, and an epoch that was interrupted is made again from its start. The backup is one file, written aside and then put in its
    place. Nothing but it is deleted when training ends.

    Args:
        backup_dir: folder for the backup, for this run alone; made where it is missing.
        save_freq: "epoch", or a positive int: after so many batches (and not at the end of an epoch as such).
        double_checkpoint: keep the backup before the last one as well, and go on from it when the last one is damaged.
        delete_checkpoint: remove the backup when training has ended.

    Raises:
        ValueError: no folder, another `save_freq`, or the backup is that of another model or optimizer.
        DamagedFileError: the backup is damaged, and there is no other. Training does not begin anew by itself.
        OSError: the folder cannot be written to; this is found before the first step.
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        if not backup_dir:
            raise ValueError("BackupAndRestore needs the path of a folder as backup_dir; got an empty one.")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = check_frequency("BackupAndRestore", save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = os.path.join(self.backup_dir, "latest.backup")
        self._previous = os.path.join(self.backup_dir, "previous.backup")

    def read(self) -> dict[str, Any] | None:
        """The last backup; None where there is none. Called by `fit` before its first step."""
        check_writable(self._latest)
        if not os.path.exists(self._latest) and not os.path.exists(self._previous):
            return None
        try:
            return record.read(self._latest)
        except (record.DamagedFileError, FileNotFoundError) as error:
            if not os.path.exists(self._previous):
                raise record.DamagedFileError(
                    f"The backup cannot be read, so training does not go on: {error}. To begin anew, delete {self.backup_dir!r}; with "
                    "double_checkpoint=True the backup before it would be there too."
                ) from error
            found = record.read(self._previous)
            warn(f"{error}. Training goes on from the backup before it, {self._previous!r}.", PhasewiseWarning)
            return found

    def write(self, state: dict[str, Any]) -> None:
        """Write a backup. Called by `fit`."""
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._latest):
            _kept_as(self._latest, self._previous)
        record.write(self._latest, state)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if not self.delete_checkpoint:
            return
        for path in (self._latest, self._previous):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        with contextlib.suppress(OSError):  # there is something of somebody else's in it
            os.rmdir(self.backup_dir)


def _kept_as(path, other):
    """A second name for a file, which stays when the first one is given to another; where the system has none, the file moves."""
    aside = f"{other}.part"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(aside)
    try:
        os.link(path, aside)
    except OSError:
        os.replace(path, other)
        return
    os.replace(aside, other)
