"""Prices of houses in Boston, by 13 features of where they stand. One of them is the share of black people: do not use it to learn of prices."""

from phasewise.core.keywords import told
from phasewise.datasets.splitting import Pairs, table


@told
def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Pairs:
    """506 rows of 13 numbers, and prices in thousands of dollars.

    Args:
        path: of the file, or its name in Keras's cache folder (`~/.keras/datasets`). Nothing is downloaded.
        test_split: the share of the rows that is for testing, in [0, 1).
        seed: of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, NumPy arrays.

    Raises:
        FileNotFoundError: the file is not there; the message says what to put where.
        ValueError: `test_split` is out of range, or the file is another one.
    """
    return table("boston_housing", path, None, test_split, seed)
