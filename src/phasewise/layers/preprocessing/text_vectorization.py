"""TextVectorization: sentences to rows of word numbers."""

import itertools
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np

from phasewise.core import registry
from phasewise.core.arguments import check_count, check_flag
from phasewise.core.registry import register
from phasewise.core.types import ArrayLike, Config, Shape
from phasewise.layers.preprocessing.host_layer import as_ids
from phasewise.layers.preprocessing.output_modes import encoded
from phasewise.layers.preprocessing.string_lookup import StringLookup
from phasewise.layers.preprocessing.words import SPLITS, STANDARDIZATIONS, standardized, with_ngrams, words_of

Texts = Callable[[np.ndarray], Any]


@register("layer")
class TextVectorization(StringLookup):
    """Texts to words, and these to their places in a vocabulary, which is given or taken from data by `adapt`; runs on the host.

    Args:
        max_tokens: int above 1: the most tokens, "" and "[UNK]" too; None for all.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation" (of ASCII all three), None, or a function that takes and
            gives an array of str.
        split: "whitespace", "character", None (the text is one word), or a function that takes an array of str with one axis and gives a
            list of words for each.
        ngrams: int n: runs of 1 to n words, joined by spaces, are tokens; a tuple: runs of these numbers of words; None: words are.
        output_mode: "int" (places; 0 fills up short texts, 1 is an unknown word), "multi_hot" (which tokens occur), "count" (how often),
            "tf_idf" (counts times weights); "one_hot" (a vector for each word).
        output_sequence_length: int: each text is cut, or filled up with 0, to so many places; only in output mode "int". None: to the
            longest text of the batch.
        pad_to_max_tokens: whether vectors have `max_tokens` entries, however many tokens there are.
        vocabulary: list or array of str, or the path of a text file with one a line.
        idf_weights: list of float, a weight for each token; with output_mode="tf_idf" only.
        sparse, ragged: refused.
        encoding: of bytes and of the file.

    Input: strings of shape (batch,) or (batch, 1), or one string. Output: int32 (batch, length); or (batch, size of the vocabulary) of the
    compute dtype.

    Give `output_sequence_length` where the layer stands in a model: otherwise the longest text of a batch decides, so that every new length
    compiles a program anew, layers that heed no mask see the padding, and a row's last bits may depend on its neighbours. Where it differs from Keras: functions take NumPy arrays; with split=None and one axis,
    each text is a row of its own, as the shape that Keras announces; ids are int32 and vectors floating.
    """

    copied_to = ("_lookup_layer",)

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Texts | None = "lower_and_strip_punctuation",
        split: str | Texts | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Sequence[str] | np.ndarray | str | None = None,
        idf_weights: ArrayLike | None = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ):
        self.standardize = _checked("standardize", standardize, STANDARDIZATIONS)
        self.split = _checked("split", split, SPLITS)
        self.ngrams = _checked_ngrams(ngrams)
        if check_flag("TextVectorization", "ragged", ragged):
            raise ValueError(
                "TextVectorization's ragged=True is not supported: arrays here, as JAX's, have rows of one length. Leave it out: short "
                "texts are filled up with 0, which Embedding(mask_zero=True) masks."
            )
        self.ragged = False
        if output_sequence_length is not None:
            check_count("TextVectorization", "output_sequence_length", output_sequence_length)
        self.output_sequence_length = output_sequence_length
        super().__init__(
            max_tokens=max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
            name=name,
            **kwargs,
        )
        if output_sequence_length is not None and self.output_mode != "int":
            raise ValueError(
                f"TextVectorization's output_sequence_length is for output_mode='int'; got output_mode={self.output_mode!r}."
            )

    def call(self, inputs: np.ndarray) -> np.ndarray:
        """The places, or the vectors."""
        self._require_vocabulary()
        documents = self._documents(inputs)
        flat = list(itertools.chain.from_iterable(documents))
        places = self._places_of(flat) if flat else np.empty(0, np.int64)
        rows = self._filled_up(places, list(map(len, documents)))
        if self.output_mode == "int":
            outputs = as_ids(rows)
        else:
            outputs = encoded(rows, _counting(self.output_mode), self._depth, self.output_dtype)
            outputs = outputs * self._idf_weights if self.output_mode == "tf_idf" else outputs
        return outputs[0] if inputs.ndim == 0 else outputs

    def _filled_up(self, places, lengths):
        """The places of each text in a row, cut or filled up to one length."""
        if self.output_mode == "one_hot" and self.split is None:
            return places.reshape(len(lengths), 1)
        width = self.output_sequence_length or max(lengths, default=0)
        filling = 0 if self.output_mode == "int" else -1
        rows = np.full((len(lengths), max(width, 1 if self.output_mode != "int" else 0)), filling, np.int64)
        start = 0
        for row, length in zip(rows, lengths):
            row[: min(length, width)] = places[start : start + min(length, width)]
            start += length
        return rows

    def _documents(self, batch):
        """The tokens of each text."""
        if batch.ndim > 2 or (batch.ndim == 2 and batch.shape[1] != 1):
            raise ValueError(
                self._told(
                    f"takes texts of shape (batch,) or (batch, 1); got shape {batch.shape}. Join the columns, or use a layer for each."
                )
            )
        texts = self._texts(batch, self.encoding)
        if callable(self.standardize):
            texts = self._texts(np.asarray(self.standardize(np.asarray(texts).reshape(batch.shape))), self.encoding)
        else:
            texts = standardized(texts, self.standardize)
        if callable(self.split):
            words = [
                self._texts(np.asarray(list(each), object), self.encoding) for each in self.split(np.asarray(texts))
            ]
        else:
            words = words_of(texts, self.split)
        if self.ngrams is None:
            return words
        widths = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [with_ngrams(each, widths) for each in words]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, length), or (batch, size of the vocabulary).

        Raises:
            RuntimeError: it depends on a vocabulary that is not there yet.
        """
        rows = tuple(input_shape[:1])
        if self.output_mode == "int":
            return (
                *rows,
                self.output_sequence_length
                if self.split is not None or self.ngrams or self.output_sequence_length
                else 1,
            )
        if not self.pad_to_max_tokens and not self._size_to_come:
            self._require_vocabulary()
        inner = (None,) if self.output_mode == "one_hot" and self.split is not None else ()
        return (*rows, *inner, self._depth)

    def get_config(self) -> Config:
        """Every argument; functions by the names under which they are registered."""
        config = super().get_config()
        for name in ("num_oov_indices", "oov_token", "mask_token", "invert", "oov_method", "salt"):
            del config[name]
        return {
            **config,
            "standardize": registry.serialize(self.standardize),
            "split": registry.serialize(self.split),
            "ngrams": self.ngrams,
            "output_sequence_length": self.output_sequence_length,
            "ragged": self.ragged,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer; functions are found by the names under which they are registered."""
        config = dict(config)
        for name, known in (("standardize", STANDARDIZATIONS), ("split", SPLITS)):
            if config.get(name) is not None and config[name] not in known and not callable(config[name]):
                config[name] = registry.deserialize("function", config[name])
        return super().from_config(config)


def _counting(mode):
    return "count" if mode == "tf_idf" else mode


def _checked(argument, value, known):
    return value if callable(value) else registry.one_of("TextVectorization", argument, value, known)


def _checked_ngrams(ngrams):
    numbers = list(ngrams) if isinstance(ngrams, list | tuple) else [ngrams]
    if ngrams is None:
        return None
    if not numbers or not all(isinstance(n, Integral) and not isinstance(n, bool) and n >= 1 for n in numbers):
        raise ValueError(f"TextVectorization's ngrams is a positive integer, or a tuple of them; got {ngrams!r}.")
    return tuple(map(int, ngrams)) if isinstance(ngrams, list | tuple) else int(ngrams)
