"""Prices of houses in California, by 8 features of where they stand."""

from phasewise.core.keywords import told
from phasewise.core.registry import one_of
from phasewise.datasets.splitting import Pairs, table


@told
def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Pairs:
    """20,640 rows of 8 numbers, and median prices in dollars.

    Args:
        version: "large", or "small", which is the first 600 rows.
        path: of the file, or its name in Keras's cache folder (`~/.keras/datasets`). Nothing is downloaded.
        test_split: the share of the rows that is for testing, in [0, 1).
        seed: of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, NumPy arrays.

    Raises:
        FileNotFoundError: the file is not there; the message says what to put where.
        ValueError: an argument is out of range, or the file is another one.
    """
    one_of("california_housing", "version", version, ("large", "small"))
    return table("california_housing", path, 600 if version == "small" else None, test_split, seed)
