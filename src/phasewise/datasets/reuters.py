"""Messages of a news agency, and which of 46 topics each is about."""

import numpy as np

from phasewise.core.keywords import told
from phasewise.datasets.local import OF_GOOGLE, arrays_of, find
from phasewise.datasets.splitting import Pairs, check_split, shuffled, split
from phasewise.datasets.words import known, listed, marked, shorter, word_index

_TOPICS = """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude nat-gas cpi
    money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc
    orange pet-chem dlr gas silver wpi hog lead
"""


@told
def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Pairs:
    """11,228 messages as lists of numbers of words (the most frequent first), with the number of their topic.

    Args:
        test_split: the share of the messages that is for testing, in [0, 1).
        All others as in `imdb.load_data`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, NumPy arrays; the texts are lists in an array of shape (texts,).

    Raises:
        FileNotFoundError: the file is not there; the message says what to put where.
        ValueError: no message is that short; `test_split` is out of range; the file is another one.
    """
    check_split(test_split)
    found = find("reuters", [path], f"{OF_GOOGLE}reuters.npz", has_path=True)
    x, y = arrays_of("reuters", found, ["x", "y"])
    order = shuffled(len(x), np.random.RandomState(seed))
    texts, labels = shorter(maxlen, marked(x[order], start_char, index_from), y[order])
    return split(listed(known(texts, num_words, skip_top, oov_char)), labels, test_split)


@told
def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, before `index_from` is added.

    Args:
        path: of the file, or its name in Keras's cache folder. Nothing is downloaded.

    Raises:
        FileNotFoundError: the file is not there; the message says what to put where.
    """
    return word_index("reuters", path)


@told
def get_label_names() -> tuple[str, ...]:
    """The names of the topics, by number."""
    return tuple(_TOPICS.split())
