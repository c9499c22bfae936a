"""Small pictures of a hundred kinds of things, in twenty groups."""

from phasewise.core.keywords import told
from phasewise.core.registry import one_of
from phasewise.datasets.cifar import read
from phasewise.datasets.splitting import Pairs


@told
def load_data(label_mode: str = "fine") -> Pairs:
    """50,000 coloured images of 32 x 32 pixels in 0 ... 255 with a class each, (rows, 1), and 10,000 for testing; uint8.

    `cifar-100-python.tar.gz`, or the folder `cifar-100-python` that is in it, lies in Keras's cache folder
    (`~/.keras/datasets`). Nothing is downloaded. Its files are pickles, of which only numbers, lists and arrays are read.

    Args:
        label_mode: "fine", for the hundred classes, or "coarse", for the twenty groups.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, NumPy arrays.

    Raises:
        FileNotFoundError: it is not there; the message says what to put where.
        ValueError: it holds something else; an unknown `label_mode`.
    """
    one_of("cifar100", "label_mode", label_mode, ("fine", "coarse"))
    train, test = (
        read("cifar100", "cifar-100-python", "cifar-100-python.tar.gz", [part], f"{label_mode}_labels")
        for part in ("train", "test")
    )
    return train, test
