"""Labels, as commands are given them: a number a row, a row of numbers, or beside the name of an image's file."""

import argparse
import csv
import os
from typing import Any

import numpy as np

from phasewise.cli import csv_table
from phasewise.cli.data_file import IMAGES, Data
from phasewise.cli.failing import Mistake
from phasewise.cli.numpy_files import of_npy
from phasewise.data.dataset import Dataset
from phasewise.files.missing import missing


def check_labels(given: argparse.Namespace) -> None:
    """Find mistakes before anything is opened.

    Raises:
        Mistake: there is no such file, or of another kind.
    """
    path = given.labels
    if not os.path.exists(path):
        raise Mistake(missing(path, "there are no labels to read"))
    if not path.lower().endswith((".npy", ".csv")):
        raise Mistake(f"--labels is a .npy or .csv file; got {path!r}.")


def read_labels(given: argparse.Namespace, data: Data) -> Any:
    """An array of (rows,) or (rows, ...), as many as `data` has; of images in the order of the names of their files.

    Raises:
        Mistake: it cannot be read, is no numbers, has NaN or infinity, or another number of rows; an image has none.
    """
    path = given.labels
    if path.lower().endswith(".csv"):
        labels = _by_file(path, data.files) if data.files and _names_files(path) else csv_table.read(path)
    else:
        labels = of_npy(path)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "fiub" or not labels.ndim:
        raise Mistake(f"--labels are numbers, a row each; {path!r} has {labels.dtype} of shape {labels.shape}.")
    labels = labels[: given.limit]
    if len(labels) != data.rows:
        raise Mistake(f"{path!r} has {len(labels)} labels for {data.rows} rows of {given.data!r}.")
    good = np.isfinite(labels).reshape(len(labels), -1).all(axis=1)
    if not good.all():
        raise Mistake(f"row {int(np.argmin(good))} of {path!r} (the first is 0) has NaN or infinity for a label.")
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _names_files(path):
    """Does each line have the name of an image's file, and a label?"""
    return all(len(cells) == 2 and cells[0].lower().endswith(IMAGES) for cells in _lines(path)[1:])


def _by_file(path, files):
    """The labels of images whose names stand beside them, in any order; the first line may name the columns."""
    named = {}
    for name, label in _lines(path):
        if not name.lower().endswith(IMAGES):
            continue
        try:
            named[os.path.normpath(name)] = float(label)
        except ValueError:
            raise Mistake(f"the label of {name!r} in {path!r} is {label!r}: it is the number of a class.") from None
    without = [file for file in files if file not in named]
    if without:
        raise Mistake(
            f"{path!r} has no label for {len(without)} of {len(files)} images, the first of them {without[0]!r}."
        )
    return [named[file] for file in files]


def _lines(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return [[cell.strip() for cell in cells] for cells in csv.reader(file) if any(cells)]


def with_labels(data: Data, labels: Any, batch_size: int) -> Any:
    """What a model is given together with labels, a plan of (batch, labels)."""
    return Dataset.zip((data.x, Dataset.from_tensor_slices(labels).batch(batch_size)))
