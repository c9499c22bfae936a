"""IntegerLookup: integers without an order to places in a vocabulary, and back."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config
from phasewise.kernels.categories import encoded_ids
from phasewise.layers.preprocessing.index_lookup import IndexLookup
from phasewise.layers.preprocessing.vocabulary import tokens_in_file


@register("layer")
class IntegerLookup(IndexLookup):
    """Integers to their places in a vocabulary, which is given or taken from data by `adapt`. They keep 64 bits on the host,
    where the layer runs before a compiled program begins; behind layers that are compiled it is too.

    Args:
        max_tokens: int above 1: the most tokens, special ones too; None for all.
        num_oov_indices: how many places unknown integers are spread over; with 0 they are an error.
        mask_token: int with the place 0 in output mode "int", and none in the others; None for none.
        oov_token: int, what an unknown place becomes with `invert`.
        vocabulary: list or array of int, or the path of a text file with one a line.
        vocabulary_dtype: "int64".
        idf_weights: list of float, a weight for each token; with output_mode="tf_idf" only.
        invert: whether ids become tokens instead.
        output_mode, sparse, pad_to_max_tokens: as for `StringLookup`.
        oov_method: "floormod" (the unknown integer modulo their number) or "farmhash" (its digits hashed).
        salt: int, or two: the key of the hash; with oov_method="farmhash" only.

    Input: integers of any shape. Output: int32 of the input's shape (int64 with `invert`); or (batch, size of the vocabulary), (..., size)
    for "one_hot", of the compute dtype.

    Of equally frequent integers `adapt` takes the largest first. Where it differs from Keras: ids are int32 and vectors floating.
    """

    _is_text = False
    can_be_compiled = True

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Sequence[int] | np.ndarray | str | None = None,
        vocabulary_dtype: str = "int64",
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: int | Sequence[int] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        if vocabulary_dtype != "int64":
            raise ValueError(f"IntegerLookup's vocabulary_dtype is 'int64'; got {vocabulary_dtype!r}.")
        if salt is not None and oov_method != "farmhash":
            raise ValueError(f"IntegerLookup's salt is for oov_method='farmhash'; got oov_method={oov_method!r}.")
        self.vocabulary_dtype = vocabulary_dtype
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
            oov_method,
            salt,
            name=name,
            **kwargs,
        )

    def call(self, inputs: Array) -> Array:
        """The places, vectors or tokens."""
        return self._compiled(inputs) if isinstance(inputs, jax.core.Tracer) else super().call(inputs)

    def _compiled(self, inputs):
        """As `call`, for integers of 32 bits in a compiled program, where what is unknown cannot be an error: its place is -1."""
        self._require_vocabulary()
        if not jnp.issubdtype(inputs.dtype, jnp.integer):
            raise TypeError(self._told(f"takes integers; got an array of dtype {inputs.dtype}."))
        if self.oov_method == "farmhash" and self.num_oov_indices > 1:
            raise TypeError(
                self._told(
                    "has oov_method='farmhash', which runs on the host only. Use 'floormod', or call it on inputs."
                )
            )
        self.vocabulary_revision  # noqa: B018 - read, so that another vocabulary has another program
        first = len(self._specials)
        if self.invert:
            table = self._table_of_32_bits()
            is_there = (inputs >= 0) & (inputs < len(table) - 1)
            return table[jnp.where(is_there, inputs, len(table) - 1)]
        found = self._known_places(inputs)
        unknown = first - self.num_oov_indices + inputs % self.num_oov_indices if self.num_oov_indices else -1
        places = jnp.where(found >= 0, found + first, unknown)
        if self.mask_token is not None:
            places = jnp.where(inputs == self.mask_token, 0 if self.output_mode == "int" else -1, places)
        if self.output_mode == "int":
            return places.astype(jnp.int32)
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        vectors = encoded_ids(places, mode, self._depth, self.compute_dtype)
        return vectors * self._idf_weights if self.output_mode == "tf_idf" else vectors

    def _table_of_32_bits(self):
        tokens = [*self.get_vocabulary(), self.oov_token]
        wide = [token for token in tokens if not -(2**31) <= token < 2**31]
        if wide:
            raise ValueError(
                self._told(
                    f"has the token {wide[0]}, of more than 32 bits, which a compiled program cannot give. Call it on its outputs."
                )
            )
        return jnp.asarray(tokens, jnp.int32)

    def _known_places(self, inputs):
        """As `Vocabulary.places`, in a compiled program. A token that inputs of this dtype cannot hold is left out, not cut off."""
        limits, tokens = jnp.iinfo(inputs.dtype), self._vocabulary
        fits = (limits.min <= tokens.sorted) & (tokens.sorted <= limits.max)
        if not fits.any():
            return jnp.full(inputs.shape, -1, jnp.int32)
        numbers, order = (
            jnp.asarray(part[fits], dtype) for part, dtype in ((tokens.sorted, inputs.dtype), (tokens.order, jnp.int32))
        )
        near = jnp.minimum(jnp.searchsorted(numbers, inputs), len(numbers) - 1)
        return jnp.where(numbers[near] == inputs, order[near], -1)

    def _tokens_of(self, array):
        if array.dtype.kind not in "iu":
            raise TypeError(
                self._told(
                    f"takes integers; got an array of dtype {array.dtype}. Round or cast it first, or use StringLookup for strings."
                )
            )
        return array.ravel().astype(np.int64)

    def _documents(self, batch):
        return [document.tolist() for document in super()._documents(batch)]

    def _checked_tokens(self, vocabulary):
        return self._tokens_of(np.asarray(vocabulary)).tolist()

    def _read(self, path):
        try:
            return [int(line) for line in tokens_in_file(path, "utf-8")]
        except ValueError as error:
            raise ValueError(self._told(f"cannot read its vocabulary, integers one a line: {error}.")) from None

    def _bucket(self, tokens):
        if self.oov_method == "farmhash":
            return super()._bucket(tokens)
        return np.asarray(tokens, np.int64) % self.num_oov_indices

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "vocabulary_dtype": self.vocabulary_dtype}
