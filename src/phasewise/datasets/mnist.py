"""Handwritten digits."""

from phasewise.core.keywords import told
from phasewise.datasets.local import OF_GOOGLE, arrays_of, find
from phasewise.datasets.splitting import Pairs


@told
def load_data(path: str = "mnist.npz") -> Pairs:
    """60,000 grey images of 28 x 28 pixels in 0 ... 255 with the digit that each shows, and 10,000 for testing; uint8.

    Args:
        path: of the file, or its name in Keras's cache folder (`~/.keras/datasets`). Nothing is downloaded.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, NumPy arrays.

    Raises:
        FileNotFoundError: the file is not there; the message says what to put where.
        ValueError: the file is another one.
    """
    found = find("mnist", [path], f"{OF_GOOGLE}mnist.npz", has_path=True)
    x_train, y_train, x_test, y_test = arrays_of("mnist", found, ["x_train", "y_train", "x_test", "y_test"])
    return (x_train, y_train), (x_test, y_test)
