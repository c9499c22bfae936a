"""Reviews of films, and whether they praise them."""

from typing import Any

import numpy as np

from phasewise.core.keywords import refuse_left_over, told
from phasewise.datasets.local import OF_GOOGLE, arrays_of, find
from phasewise.datasets.splitting import Pairs, shuffled
from phasewise.datasets.words import known, listed, marked, shorter, word_index


@told
def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> Pairs:
    """25,000 reviews as lists of numbers of words (the most frequent first), with 1 for praise and 0 for blame; as many for testing.

    Args:
        path: of the file, or its name in Keras's cache folder (`~/.keras/datasets`). Nothing is downloaded. Its lists are pickled, and
            only numbers, lists and arrays are read.
        num_words: numbers from here on are replaced; None keeps all but the greatest, as Keras does.
        skip_top: numbers below this are replaced.
        maxlen: only reviews of fewer numbers are kept; None keeps all.
        seed: of the order of the reviews.
        start_char: the number that each begins with, or None.
        oov_char: what words that are not kept are replaced by; None leaves them out.
        index_from: what is added to the number of each word, to make room for these.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, NumPy arrays; the texts are lists in an array of shape (texts,).

    Raises:
        FileNotFoundError: the file is not there; the message says what to put where.
        TypeError: an unknown argument.
        ValueError: no review is that short; the file is another one.
    """
    refuse_left_over(load_data, kwargs)
    found = find("imdb", [path], f"{OF_GOOGLE}imdb.npz", has_path=True)
    arrays = arrays_of("imdb", found, ["x_train", "y_train", "x_test", "y_test"])
    generator, parts = np.random.RandomState(seed), []
    for x, y in (arrays[:2], arrays[2:]):
        order = shuffled(len(x), generator)
        parts.append(shorter(maxlen, marked(x[order], start_char, index_from), y[order]))
    texts = known(parts[0][0] + parts[1][0], num_words, skip_top, oov_char)
    count = len(parts[0][0])
    return (listed(texts[:count]), parts[0][1]), (listed(texts[count:]), parts[1][1])


@told
def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, before `index_from` is added.

    Args:
        path: of the file, or its name in Keras's cache folder. Nothing is downloaded.

    Raises:
        FileNotFoundError: the file is not there; the message says what to put where.
    """
    return word_index("imdb", path)
