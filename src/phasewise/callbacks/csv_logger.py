"""The logs as a table in a file."""

import csv
import os

import numpy as np

from phasewise.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Writes the logs of every epoch to a CSV file as they come; the file is whole after each epoch.

    The columns are "epoch" (from 0) and the names of the first epoch's logs in alphabetical order, followed by their
    "val_" names where the first epoch had no validation and a later one will, or nobody says whether it will. (Keras adds
    these to runs without any validation as well.) A name that an epoch lacks is "NA"; one that the first epoch lacked is
    left out.

    Args:
        filename: path of the file; its folder must exist.
        separator: what stands between two values, one character.
        append: go on with the file where it exists, under its own header, instead of writing it anew. A file whose
            header has other columns than the run would write is refused; Keras appends rows that do not match.

    Raises:
        ValueError: at the first epoch's end, when `append` is set and the columns of the file are others.
        OSError: before the first epoch, when the file cannot be written.
    """

    kept_in_backup = ("_columns", "_header", "size")

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._file = None
        self._columns = None
        self._header = None
        self._kept_size = None  # down to which the file is cut before the first row; None: nothing is cut

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        self._columns = None
        self._header = self._existing_header() if self.append else None
        # newline="" because the csv module ends its lines itself. What is there is kept till the first row comes: a run that is
        # resumed goes on with it.
        self._file = open(self.filename, "a", newline="", encoding="utf-8")  # noqa: SIM115 - closed when training ends
        self._kept_size = None if self.append else 0

    @property
    def size(self) -> int:
        """The bytes of the file that this run, and the one that it goes on from, have written."""
        return os.path.getsize(self.filename)

    @size.setter
    def size(self, size: int) -> None:
        self._kept_size = size

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self._kept_size is not None:
            self._file.truncate(self._kept_size)
            self._kept_size = None
        writer = csv.writer(self._file, delimiter=self.separator)
        if self._columns is None:
            self._columns = self._agreed_columns(logs)
            if self._header is None:
                writer.writerow(["epoch", *self._columns])
        writer.writerow([epoch, *(_cell(logs.get(name, "NA")) for name in self._columns)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def _close(self):
        if self._file is not None:
            self._file.close()
            self._file = None

    def _existing_header(self):
        if not os.path.exists(self.filename):
            return None
        with open(self.filename, newline="", encoding="utf-8") as file:
            return next(csv.reader(file, delimiter=self.separator), None)

    def _agreed_columns(self, logs):
        names = sorted(logs)
        if self.will_validate is not False and not any(name.startswith("val_") for name in names):
            names += [f"val_{name}" for name in names]
        if self._header is None:
            return names
        if not set(logs) <= set(self._header):
            raise ValueError(
                f"CSVLogger was told to append to {self.filename!r}, whose columns are {', '.join(self._header)}; "
                f"this run logs {', '.join(sorted(logs))}. Give another file, or append=False to start it anew."
            )
        return self._header[1:]


def _cell(value):
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, np.asarray(value).tolist()))}]"'
