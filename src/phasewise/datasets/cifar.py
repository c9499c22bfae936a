"""The files of CIFAR-10 and CIFAR-100: a folder, or the archive that holds it; each file a dict of arrays and lists, pickled."""

import os
import pickle
import tarfile
from collections.abc import Sequence

import numpy as np

from phasewise.core.defaults import image_data_format
from phasewise.datasets.local import find, unpickled


def read(owner: str, folder: str, archive: str, files: Sequence[str], label: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (rows, 32, 32, 3), or with the channels first where that is the default, and labels (rows, 1), both uint8.

    Args:
        owner: the data set.
        folder: the name of the folder in the archive.
        archive: the archive's name.
        files: names of files in the folder.
        label: the key of the labels.

    Raises:
        FileNotFoundError: neither folder nor archive is there; the message says what to put where.
        ValueError: they hold something else.
    """
    names = [archive, os.path.join(f"{folder}-target", folder), folder, f"{folder}-target_archive"]
    path = find(owner, names, f"https://www.cs.toronto.edu/~kriz/{archive}")
    images, labels = [], []
    for content in _contents(path, folder, files):
        try:
            held = {key.decode(): value for key, value in unpickled(content, "bytes").items()}
            images.append(held["data"].reshape(-1, 3, 32, 32))
            labels.append(np.asarray(held[label], np.uint8)[:, None])
        except (pickle.UnpicklingError, EOFError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(f"{path} is not what the data set {owner} needs: {error}") from error
    joined = np.concatenate(images)
    return (joined if image_data_format() == "channels_first" else joined.transpose(0, 2, 3, 1)), np.concatenate(labels)


def _contents(path, folder, files):
    if os.path.isdir(path):
        for name in files:
            with open(os.path.join(path, name), "rb") as file:
                yield file.read()
        return
    with tarfile.open(path) as archive:
        for name in files:
            yield archive.extractfile(f"{folder}/{name}").read()
