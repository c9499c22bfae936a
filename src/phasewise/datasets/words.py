"""Texts as lists of numbers of words: what is done with them before they are handed out."""

from collections.abc import Sequence

import numpy as np

from phasewise.datasets.local import OF_GOOGLE, find
from phasewise.files import json_text


def marked(texts: Sequence[Sequence[int]], start_char: int | None, index_from: int) -> list[list[int]]:
    """Each text behind the mark of its start, its numbers moved up to make room for marks."""
    start = [] if start_char is None else [start_char]
    return [start + [word + index_from for word in text] for text in texts]


def shorter(maxlen: int | None, texts: list[list[int]], labels: np.ndarray) -> tuple[list[list[int]], np.ndarray]:
    """The texts of fewer than `maxlen` numbers, as Keras has it, and their labels.

    Raises:
        ValueError: none is that short.
    """
    if not maxlen:
        return texts, labels
    kept = [number for number, text in enumerate(texts) if len(text) < maxlen]
    if not kept:
        raise ValueError(f"No text has fewer than maxlen={maxlen} words.")
    return [texts[number] for number in kept], np.asarray(labels)[kept]


def known(texts: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None) -> list[list[int]]:
    """Texts in which the number of each word that is left out is `oov_char`, or is not there where that is None.

    Args:
        num_words: numbers from here on are left out; None: the greatest that occurs.
        skip_top: numbers below are left out.
    """
    most = num_words or max(max(text, default=0) for text in texts)
    if oov_char is None:
        return [[word for word in text if skip_top <= word < most] for text in texts]
    return [[word if skip_top <= word < most else oov_char for word in text] for text in texts]


def listed(texts: Sequence[list[int]]) -> np.ndarray:
    """(texts,), each a list."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def word_index(owner: str, path: str) -> dict[str, int]:
    """The number of each word.

    Raises:
        FileNotFoundError: the file is not there.
        FileError: it is another one.
    """
    found = find(owner, [path], f"{OF_GOOGLE}{owner}_word_index.json")
    with open(found, "rb") as file:
        return json_text.parsed(file.read(json_text.MOST_BYTES + 1), repr(str(found)))
