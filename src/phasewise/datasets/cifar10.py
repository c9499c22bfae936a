"""Small pictures of ten kinds of things."""

from phasewise.core.keywords import told
from phasewise.datasets.cifar import read
from phasewise.datasets.splitting import Pairs


@told
def load_data() -> Pairs:
    """50,000 coloured images of 32 x 32 pixels in 0 ... 255 with one of ten classes each, (rows, 1), and 10,000 for testing; uint8.

    `cifar-10-python.tar.gz`, or the folder `cifar-10-batches-py` that is in it, lies in Keras's cache folder
    (`~/.keras/datasets`). Nothing is downloaded. Its files are pickles, of which only numbers, lists and arrays are read.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, NumPy arrays.

    Raises:
        FileNotFoundError: it is not there; the message says what to put where.
        ValueError: it holds something else.
    """
    where = "cifar10", "cifar-10-batches-py", "cifar-10-python.tar.gz"
    train = read(*where, [f"data_batch_{number}" for number in range(1, 6)], "labels")
    return train, read(*where, ["test_batch"], "labels")
