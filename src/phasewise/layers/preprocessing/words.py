"""Texts to lists of words: standardized, split, joined to runs of several."""

import itertools
import re
import string
from collections.abc import Sequence

_LOWER = dict(zip(map(ord, string.ascii_uppercase), string.ascii_lowercase))
_NO_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
_TABLES = {
    "lower": _LOWER,
    "strip_punctuation": _NO_PUNCTUATION,
    "lower_and_strip_punctuation": {**_LOWER, **_NO_PUNCTUATION},
}
STANDARDIZATIONS = (*_TABLES, None)
SPLITS = ("whitespace", "character", None)

_word = re.compile(r"[^ \t\n\r\x0b\x0c]+")  # other spaces than those of ASCII belong to words, as in TensorFlow


def standardized(texts: Sequence[str], how: str | None) -> Sequence[str]:
    """The texts with ASCII letters in lower case, without ASCII punctuation, or both."""
    if how is None:
        return texts
    table = _TABLES[how]
    return [text.translate(table) for text in texts]


def words_of(texts: Sequence[str], split: str | None) -> list[list[str]]:
    """The words of each text, or its characters; with None the text itself."""
    if split is None:
        return [[text] for text in texts]
    return [list(text) for text in texts] if split == "character" else list(map(_word.findall, texts))


def with_ngrams(words: Sequence[str], widths: Sequence[int]) -> list[str]:
    """All runs of so many words, joined by spaces, those of the first width first."""
    runs = ((words[i : i + width] for i in range(len(words) - width + 1)) for width in widths)
    return [" ".join(run) for run in itertools.chain.from_iterable(runs)]
