"""How a vocabulary stands in a `.keras` file: a text with one token a line, beside the weights."""

import os
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Self

import numpy as np

from phasewise.core.types import Config

NAME = "vocabulary.txt"


class VocabularyOnFile:
    """The part of a lookup layer that writes its vocabulary and reads it, as Keras's does: what was given to the constructor stands
    in the config, what was adapted to or set in a file of its own."""

    _idf_weights_to_come = None

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """The weight of each place, in output mode "tf_idf"."""
        if self.output_mode == "tf_idf" and self._idf_weights is not None:
            store["idf_weights"] = self._idf_weights

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take the weights of the places; they count once the vocabulary is there."""
        if "idf_weights" not in store:
            return
        weights = np.asarray(store["idf_weights"], np.float32)
        if self._vocabulary is None:
            self._idf_weights_to_come = weights
        elif weights.shape != (self._depth,):
            raise ValueError(self._told(f"has {self._depth} places; the file has weights of shape {weights.shape}."))
        else:
            self._idf_weights = weights

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary to `dir_path`, unless the config has it."""
        if self._vocabulary_of_config() is not None:
            return
        with open(os.path.join(dir_path, NAME), "w", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(map(str, self.get_vocabulary())))

    def load_assets(self, dir_path: str | None) -> None:
        """Take the vocabulary from `dir_path`, unless the config had it.

        Raises:
            ValueError: it is missing, is no vocabulary for this layer, or has another number of tokens than the config says.
        """
        path = dir_path and os.path.join(dir_path, NAME)
        if self._is_given:
            return
        if not path or not os.path.isfile(path):
            if (self._size_to_come or 0) > len(self._specials):
                raise ValueError(self._told(f"has {self._size_to_come} tokens by its config, and {NAME} is missing."))
            return
        with open(path, encoding="utf-8", newline="") as file:
            text = file.read()
        tokens = tokens_of(text, self._size_to_come)
        if tokens is None:
            found = len(written_tokens(text))
            raise ValueError(
                self._told(
                    f"has {self._size_to_come} tokens by its config, and {NAME} has {found}: it is damaged, or a token has a line break "
                    "in it, which a text with one a line cannot hold."
                )
            )
        tokens = tokens if self._is_text else [int(token) for token in tokens]
        if tokens == self._specials or not tokens:
            return  # it was not adapted yet
        weights, self._idf_weights_to_come = self._idf_weights_to_come, None
        self.set_vocabulary(tokens, None if weights is None else weights[: len(tokens)])

    def _vocabulary_of_config(self):
        """The tokens as the config has them: those given to the constructor, and those that Keras could not open from a file."""
        if self.input_vocabulary is not None or self._vocabulary is None or self._opens_from_file():
            return self.input_vocabulary
        return self.get_vocabulary(include_special_tokens=False)

    def _opens_from_file(self):
        """Whether Keras would find the tokens again: not those that lines of a text cannot hold, nor as many as there are weights where
        these are filled up to `max_tokens`."""
        is_filled_up = self._idf_weights is not None and len(self._idf_weights) > self.vocabulary_size()
        return not is_filled_up and (not self._is_text or can_be_lines(self.get_vocabulary()))

    def _idf_weights_of_config(self):
        """The weights beside them."""
        if self.input_vocabulary is not None or self._vocabulary_of_config() is None or self._idf_weights is None:
            return self.input_idf_weights
        first = len(self._specials)
        return self._idf_weights[first : first + len(self._vocabulary)].tolist()

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer.

        Raises:
            ValueError: the config has a path or an address in the place of the vocabulary. Nothing is read because a config says so.
        """
        vocabulary = config.get("vocabulary")
        if isinstance(vocabulary, str | bytes | os.PathLike):
            raise ValueError(
                f"The config of {cls.__name__} {config.get('name')!r} names {vocabulary!r} as its vocabulary. No file and no address is "
                "read because a config names it: make the layer with vocabulary=[...], or call set_vocabulary with that path yourself."
            )
        return super().from_config(config)


def tokens_of(text: str, size: int | None) -> list[str] | None:
    """The tokens of a text with one a line.

    Keras writes them with a line feed between one and the next, so that an empty token at the end, and what Python's `splitlines` takes
    for the end of a line inside a token, are to be told from ends of lines by the number of tokens in the config; opening a file itself,
    Keras does not. Without a number the text is read as Keras does.

    Args:
        size: how many there are, with the special ones; None where nobody knows.

    Returns:
        The tokens; None where there is no reading with so many.
    """
    exact, lines = written_tokens(text), lines_of(text)
    if size is None or exact == lines:
        found = lines
    else:
        found = exact if len(exact) == size else lines
    return found if size is None or len(found) == size else None


def written_tokens(text: str) -> list[str]:
    """What stands between line feeds; on Windows there is a carriage return before each."""
    between = "\r\n" if text.count("\r\n") == text.count("\n") else "\n"
    return text.split(between)


def lines_of(text: str) -> list[str]:
    """The lines of a text, empty ones at the end left out."""
    lines = text.splitlines()
    while lines and lines[-1] == "":
        lines.pop()
    return lines


def can_be_lines(tokens: Sequence[str]) -> bool:
    """Whether tokens are the same once they have been lines of a text, for Keras too."""
    text = "\n".join(tokens)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return lines_of(text) == list(tokens)
