"""Labels, as commands are given them: a number a row, or a row of numbers."""

import argparse
import os
from typing import Any

import numpy as np

from phasewise.cli import csv_table
from phasewise.cli.data_file import Data
from phasewise.cli.failing import Mistake
from phasewise.cli.numpy_files import of_npy
from phasewise.files.missing import missing


def check_labels(given: argparse.Namespace) -> None:
    """Find mistakes before anything is opened.

    Raises:
        Mistake: there is no such file, or of another kind; DATA is a folder of images, whose order only its names tell.
    """
    path = given.labels
    if not os.path.exists(path):
        raise Mistake(missing(path, "there are no labels to read"))
    if not path.lower().endswith((".npy", ".csv")):
        raise Mistake(f"--labels is a .npy or .csv file; got {path!r}.")
    if os.path.isdir(given.data):
        raise Mistake("--labels goes with arrays; DATA is a folder of images.")


def read_labels(given: argparse.Namespace, data: Data) -> Any:
    """An array of (rows,) or (rows, ...), as many as `data` has.

    Raises:
        Mistake: it cannot be read, is no numbers, has NaN or infinity, or another number of rows.
    """
    path = given.labels
    labels = np.asarray(csv_table.read(path) if path.lower().endswith(".csv") else of_npy(path))
    if labels.dtype.kind not in "fiub" or not labels.ndim:
        raise Mistake(f"--labels are numbers, a row each; {path!r} has {labels.dtype} of shape {labels.shape}.")
    labels = labels[: given.limit]
    if len(labels) != data.rows:
        raise Mistake(f"{path!r} has {len(labels)} labels for {data.rows} rows of {given.data!r}.")
    good = np.isfinite(labels).reshape(len(labels), -1).all(axis=1)
    if not good.all():
        raise Mistake(f"row {int(np.argmin(good))} of {path!r} (the first is 0) has NaN or infinity for a label.")
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
