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
            ValueError: it is no vocabulary for this layer.
        """
        path = dir_path and os.path.join(dir_path, NAME)
        if self._is_given or not path or not os.path.isfile(path):
            return
        with open(path, encoding="utf-8") as file:
            tokens = lines_of(file.read())
        tokens = tokens if self._is_text else [int(token) for token in tokens]
        if tokens == self._specials or not tokens:
            return  # it was not adapted yet
        weights, self._idf_weights_to_come = self._idf_weights_to_come, None
        self.set_vocabulary(tokens, None if weights is None else weights[: len(tokens)])

    def _vocabulary_of_config(self):
        """The tokens as the config has them: those given to the constructor, and those that lines of a text cannot hold."""
        if self.input_vocabulary is not None or self._vocabulary is None or not self._is_text:
            return self.input_vocabulary
        return None if can_be_lines(self.get_vocabulary()) else self.get_vocabulary(include_special_tokens=False)

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


def lines_of(text: str) -> list[str]:
    """The tokens of a text with one a line, empty ones at the end left out."""
    lines = text.splitlines()
    while lines and lines[-1] == "":
        lines.pop()
    return lines


def can_be_lines(tokens: Sequence[str]) -> bool:
    """Whether tokens are the same once they have been lines of a text."""
    text = "\n".join(tokens)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return lines_of(text) == list(tokens)
