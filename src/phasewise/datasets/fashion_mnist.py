"""Pictures of clothes, in the form of MNIST."""

import gzip
import math
import os

import numpy as np

from phasewise.core.keywords import told
from phasewise.datasets.local import OF_GOOGLE, find
from phasewise.datasets.splitting import Pairs

_FOLDER = os.path.join("datasets", "fashion-mnist")


@told
def load_data() -> Pairs:
    """60,000 grey images of 28 x 28 pixels in 0 ... 255 with one of ten kinds of clothes each, and 10,000 for testing; uint8.

    The four files `train-images-idx3-ubyte.gz`, `train-labels-idx1-ubyte.gz`, `t10k-images-idx3-ubyte.gz` and
    `t10k-labels-idx1-ubyte.gz` lie in Keras's cache folder (`~/.keras/datasets/fashion-mnist`). Nothing is downloaded.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, NumPy arrays.

    Raises:
        FileNotFoundError: one is not there; the message says what to put where.
        ValueError: one is another file.
    """
    (x_train, y_train), (x_test, y_test) = (
        (_read(f"{part}-images-idx3-ubyte.gz"), _read(f"{part}-labels-idx1-ubyte.gz")) for part in ("train", "t10k")
    )
    return (x_train, y_train), (x_test, y_test)


def _read(name):
    """An array of bytes in the form IDX: two zeros, 8 for bytes, the number of axes, their sizes, the entries."""
    path = find("fashion_mnist", [name], f"{OF_GOOGLE}{name}", _FOLDER)
    try:
        with gzip.open(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError) as error:
        raise ValueError(f"The file {path} of the data set fashion_mnist cannot be read: {error}") from error
    axes = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = tuple(np.frombuffer(content[4 : 4 + 4 * axes], ">i4"))
    entries = np.frombuffer(content[4 + 4 * axes :], np.uint8)
    if not axes or len(shape) != axes or len(entries) != math.prod(shape):
        raise ValueError(f"The file {path} of the data set fashion_mnist is none of bytes in the form IDX.")
    return entries.reshape(shape)
