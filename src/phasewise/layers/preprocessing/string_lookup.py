"""StringLookup: words to numbers by a vocabulary, and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import ArrayLike, Config
from phasewise.layers.preprocessing.index_lookup import IndexLookup
from phasewise.layers.preprocessing.vocabulary import tokens_in_file


@register("layer")
class StringLookup(IndexLookup):
    """Strings to their places in a vocabulary, which is given or taken from data by `adapt`; runs on the host.

    Args:
        max_tokens: int above 1: the most tokens, special ones too; None for all.
        num_oov_indices: how many places unknown strings are hashed to; with 0 they are an error.
        mask_token: str with the place 0 in output mode "int", and none in the others; None for none.
        oov_token: str, what an unknown place becomes with `invert`.
        vocabulary: list or array of str, or the path of a text file with one a line.
        idf_weights: list of float, a weight for each token; with output_mode="tf_idf" only.
        invert: whether ids become strings instead.
        output_mode: "int" (ids), "one_hot" (a vector for each string), "multi_hot" or "count" (one for each row: which strings occur,
            or how often), "tf_idf" (counts times weights).
        pad_to_max_tokens: whether vectors have `max_tokens` entries, however many tokens there are.
        sparse: refused; see `Embedding`.
        encoding: of bytes and of the file.
        salt: int, or two: unknown strings are hashed by SipHash with this key.

    Input: strings, bytes or (with `invert`) integers of any shape. Output: int32 of the input's shape; strings (objects) with `invert`; or
    (batch, size of the vocabulary), (..., size) for "one_hot", of the compute dtype.

    Of equally frequent words `adapt` takes the last by code points first. Where it differs from Keras: ids are int32 and vectors
    floating; with "tf_idf", data of one axis are documents of one word each however they are cut into batches.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Sequence[str] | np.ndarray | str | None = None,
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: int | Sequence[int] | None = None,
        **kwargs: Any,
    ):
        self.encoding = encoding
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            sparse,
            pad_to_max_tokens,
            kwargs.pop("oov_method", "floormod"),
            salt,
            name=name,
            **kwargs,
        )

    def _tokens_of(self, array):
        return self._texts(array, self.encoding)

    def _checked_tokens(self, vocabulary):
        return self._texts(np.asarray(list(vocabulary), object), self.encoding)

    def _read(self, path):
        if self.output_mode == "tf_idf":
            raise ValueError(
                self._told("needs weights beside its vocabulary in output_mode='tf_idf': a file has none.")
            )
        try:
            return tokens_in_file(path, self.encoding)
        except ValueError as error:
            raise ValueError(self._told(f"cannot find its vocabulary: {error}.")) from None

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "encoding": self.encoding}
