"""A vocabulary: tokens in order, found by what they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Vocabulary:
    """Tokens, each once, in order.

    Args:
        tokens: list of str, or of int.
        is_text: which of the two.
    """

    def __init__(self, tokens: Sequence[Any], is_text: bool):
        self.tokens = list(tokens)
        if is_text:
            self._places = dict(zip(self.tokens, range(len(self.tokens))))
        else:
            numbers = np.asarray(self.tokens, np.int64)
            self.order = np.argsort(numbers, kind="stable")
            self.sorted = numbers[self.order]
        self._is_text = is_text

    def __len__(self):
        return len(self.tokens)

    def places(self, values: Any) -> np.ndarray:
        """The place of each value, int64; -1 where it is no token.

        Args:
            values: list of str, or array of integers of one axis.
        """
        if self._is_text:
            find = self._places.get
            return np.fromiter((find(value, -1) for value in values), np.int64, len(values))
        if not len(self):
            return np.full(len(values), -1, np.int64)
        near = np.minimum(np.searchsorted(self.sorted, values), len(self) - 1)
        return np.where(self.sorted[near] == values, self.order[near], -1)


class TokenCounts:
    """How often tokens occur, gathered batch by batch; and in how many documents.

    Args:
        by_document: whether documents are counted too.
    """

    def __init__(self, by_document: bool):
        self._by_document = by_document
        self.counts, self.document_counts, self.documents = Counter(), Counter(), 0

    def update(self, documents: Iterable[Sequence[Any]]) -> None:
        """Count the tokens of further documents."""
        for tokens in documents:
            self.counts.update(tokens)
            if self._by_document:
                self.document_counts.update(set(tokens))
                self.documents += 1

    def ranked(self, without: Iterable[Any], most: int | None) -> list[Any]:
        """The tokens, the most frequent first; of equally frequent ones the last in order of code points (or the largest) first.

        Args:
            without: tokens that are left out.
            most: how many are taken, None for all.
        """
        left_out = set(without)
        kept = [(count, token) for token, count in self.counts.items() if token not in left_out]
        return [token for _, token in sorted(kept, reverse=True)[:most]]

    def inverse_document_frequencies(self, tokens: Sequence[Any]) -> np.ndarray:
        """log(1 + documents / (1 + documents with the token)) for each, float64."""
        found = np.fromiter((self.document_counts[token] for token in tokens), np.float64, len(tokens))
        return np.log(1 + self.documents / (1 + found))


def complaint_of(
    tokens: Sequence[Any], specials: Sequence[Any], reserved: Sequence[Any], most: int | None
) -> str | None:
    """What is wrong with the tokens of a vocabulary, as the end of a message; None where all is well.

    Args:
        specials: the special tokens that stand before them.
        reserved: those that may not be among them.
        most: how many there may be, with the special ones; None for any number.
    """
    seen = set()
    repeated = [token for token in tokens if token in seen or seen.add(token)]
    if repeated:
        return f"was given a vocabulary in which {repeated[0]!r} occurs more than once."
    for token in reserved:
        if token in seen:
            return f"was given a vocabulary with the special token {token!r} in it. Leave the special tokens out, or begin with them: {specials}."
    size = len(specials) + len(tokens)
    if most is not None and size > most:
        return f"has max_tokens={most}; the vocabulary with {len(specials)} special tokens has {size}."
    return None


def weights_of_places(weights: np.ndarray, specials: int, depth: int | None) -> np.ndarray:
    """A weight for each place, float32: the mean for so many special tokens, and none for places up to `depth` that have no token."""
    average = weights.mean() if len(weights) else 0.0
    filled = np.concatenate([np.full(specials, average), weights])
    return np.pad(filled, (0, 0 if depth is None else depth - len(filled))).astype(np.float32)


def as_list(values: Any) -> list[Any] | None:
    """What a config holds of an array or list; None stays."""
    return None if values is None else np.asarray(values).tolist()


def tokens_in_file(path: str, encoding: str) -> list[str]:
    """The lines of a text file.

    Raises:
        ValueError: there is no such file.
    """
    if not Path(path).is_file():
        raise ValueError(
            f"the vocabulary is read from a text file with one token a line, and there is no file {path!r}"
        )
    lines = Path(path).read_text(encoding).split("\n")
    return lines[:-1] if lines[-1] == "" else lines
