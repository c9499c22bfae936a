"""What looks tokens up in a vocabulary: StringLookup and IntegerLookup in common."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from phasewise.core.arguments import check_count, check_flag
from phasewise.core.registry import one_of
from phasewise.core.types import ArrayLike, Config, Shape
from phasewise.layers.adapting import batches_to_adapt
from phasewise.layers.preprocessing.buckets import bucket_of, checked_salt
from phasewise.layers.preprocessing.host_layer import HostLayer, as_ids
from phasewise.layers.preprocessing.output_modes import checked_mode, encoded, encoded_shape, refuse_sparse
from phasewise.layers.preprocessing.vocabulary import TokenCounts, Vocabulary, as_list, complaint_of, weights_of_places
from phasewise.layers.preprocessing.vocabulary_on_file import VocabularyOnFile

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(VocabularyOnFile, HostLayer):
    """Tokens to their places in a vocabulary, or back.

    Places are counted from the special tokens on: the mask token (with `mask_token`, in output mode "int" only), then `num_oov_indices`
    places for what is not in the vocabulary, then its tokens.
    """

    _is_text = True
    _vocabulary = _idf_weights = None
    vocabulary_revision = 0

    def __init__(
        self,
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
        vocabulary_size=None,  # Keras writes these two; the vocabulary says both, once it is read
        has_input_vocabulary=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        kind = type(self).__name__
        self.max_tokens = None if max_tokens is None else check_count(kind, "max_tokens", max_tokens, least=2)
        self.num_oov_indices = check_count(kind, "num_oov_indices", num_oov_indices, least=0)
        self.mask_token, self.oov_token = mask_token, oov_token
        self.output_mode = checked_mode(kind, output_mode, MODES)
        self.sparse = refuse_sparse(kind, sparse)
        self.invert = check_flag(kind, "invert", invert)
        self.pad_to_max_tokens = check_flag(kind, "pad_to_max_tokens", pad_to_max_tokens)
        self.oov_method = one_of(kind, "oov_method", oov_method, ("floormod", "farmhash"))
        self.salt = checked_salt(kind, salt)
        self._check_arguments(kind, vocabulary, idf_weights)
        self.input_vocabulary = None if isinstance(vocabulary, str) else as_list(vocabulary)
        self.input_idf_weights = as_list(idf_weights)
        self._is_given = vocabulary is not None
        self._size_to_come = (
            None if vocabulary_size is None else check_count(kind, "vocabulary_size", vocabulary_size, 0)
        )
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_arguments(self, kind, vocabulary, idf_weights):
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(f"{kind}'s pad_to_max_tokens=True needs max_tokens, to which outputs are filled up.")
        if self.invert and self.output_mode != "int":
            raise ValueError(
                f"{kind}'s invert=True turns ids into tokens: output_mode is 'int'; got {self.output_mode!r}."
            )
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(
                f"{kind}'s idf_weights are for output_mode='tf_idf'; got output_mode={self.output_mode!r}."
            )
        if vocabulary is not None and self.output_mode == "tf_idf" and idf_weights is None:
            raise ValueError(f"{kind}'s vocabulary needs idf_weights beside it in output_mode='tf_idf'.")

    # -- the vocabulary

    @property
    def _specials(self):
        """The special tokens, in the order of their places."""
        has_mask = self.mask_token is not None and self.output_mode == "int"
        return [self.mask_token] * has_mask + [self.oov_token] * self.num_oov_indices

    def adapt(self, data: ArrayLike | Iterable[Any], batch_size: int | None = None, steps: int | None = None) -> None:
        """Take the vocabulary from data, in one pass; what was adapted to before no longer counts.

        The most frequent token comes first; of equally frequent ones the last in order. `max_tokens` counts the special ones too.

        Args:
            data: an array or list of tokens, or batches of them: a `phasewise.Dataset`, a generator, a list of arrays. Of a batch (x, y)
                only x counts.
            batch_size: accepted for Keras's sake; it changes nothing.
            steps: how many batches are read, None for all.

        For "tf_idf" each row is a document; where there is one axis, each entry.

        Raises:
            ValueError: the layer was made with its vocabulary, or the data hold no token or never end.
        """
        if self._is_given:
            raise ValueError(self._told("was made with its vocabulary: there is nothing to adapt."))
        counts = TokenCounts(self.output_mode == "tf_idf")
        for batch in batches_to_adapt(self, data, steps):
            counts.update(self._documents(batch))
        special = [token for token in (self.mask_token, self.oov_token) if token is not None]
        most = None if self.max_tokens is None else max(0, self.max_tokens - len(self._specials))
        tokens = counts.ranked(special, most)
        if not counts.counts:
            raise ValueError(self._told("cannot adapt to data that hold no token."))
        self._keep(tokens)
        if self.output_mode == "tf_idf":
            self._set_idf_weights(counts.inverse_document_frequencies(tokens))

    def _documents(self, batch):
        """The tokens of each row."""
        rows = batch.reshape(len(batch), -1) if batch.ndim else batch.reshape(1, 1)
        tokens = self._tokens_of(rows)
        if self.output_mode != "tf_idf":
            return [tokens]
        width = rows.shape[1]
        return [tokens[start : start + width] for start in range(0, len(tokens), width)]

    def set_vocabulary(
        self, vocabulary: Sequence[Any] | np.ndarray | str, idf_weights: ArrayLike | None = None
    ) -> None:
        """Set the tokens, with or without the special ones before them.

        Args:
            vocabulary: list or array of tokens, or the path of a text file with one a line.
            idf_weights: a weight for each, in output mode "tf_idf" only.

        Raises:
            ValueError: a token occurs twice or is special, there are none or more than `max_tokens`, or the weights do not fit.
        """
        if (idf_weights is None) == (self.output_mode == "tf_idf"):
            raise ValueError(
                self._told(f"takes idf_weights in output_mode='tf_idf', and only there; it has {self.output_mode!r}.")
            )
        given = self._read(vocabulary) if isinstance(vocabulary, str) else self._checked_tokens(vocabulary)
        if not given:
            raise ValueError(self._told("was given an empty vocabulary. Give at least one token."))
        specials = self._specials
        has_specials = given[: len(specials)] == specials
        tokens = given[len(specials) :] if has_specials else given
        reserved = [self.mask_token] if self.mask_token is not None else []
        reserved += [self.oov_token] if self.invert and self.oov_token is not None else []
        if complaint := complaint_of(tokens, specials, reserved, self.max_tokens):
            raise ValueError(self._told(complaint))
        self._keep(tokens)
        if idf_weights is not None:
            weights = np.asarray(idf_weights, np.float64)
            if weights.shape != (len(given),):
                raise ValueError(
                    self._told(f"needs an idf weight for each of the {len(given)} tokens; got shape {weights.shape}.")
                )
            self._set_idf_weights(weights, has_specials)

    def _keep(self, tokens):
        self._vocabulary = Vocabulary(tokens, self._is_text)
        self.vocabulary_revision += 1  # public: a program that has read it is traced anew

    def _read(self, path):
        raise NotImplementedError

    def _set_idf_weights(self, weights, has_specials=False):
        depth = self.max_tokens if self.pad_to_max_tokens else None
        self._idf_weights = weights_of_places(weights, 0 if has_specials else len(self._specials), depth)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their places, the special ones first unless they are left out."""
        tokens = list(self._vocabulary.tokens) if self._vocabulary is not None else []
        return self._specials + tokens if include_special_tokens else tokens

    def vocabulary_size(self) -> int:
        """Number of tokens, with the special ones."""
        return len(self._specials) + (len(self._vocabulary) if self._vocabulary is not None else 0)

    @property
    def idf_weights(self) -> np.ndarray | None:
        """The weight of each place in output mode "tf_idf", float32."""
        return self._idf_weights

    # -- the call

    def call(self, inputs: np.ndarray) -> np.ndarray:
        """The places, vectors or tokens."""
        self._require_vocabulary()
        if self.invert:
            return self._inverse(inputs)
        return self._given_out(self._looked_up(inputs))

    def _require_vocabulary(self):
        if self._vocabulary is None:
            raise RuntimeError(
                self._told(
                    "has no vocabulary yet. Call layer.adapt(data) or layer.set_vocabulary(...), or pass vocabulary=, first."
                )
            )

    def _looked_up(self, inputs):
        return self._places_of(self._tokens_of(inputs)).reshape(inputs.shape)

    def _places_of(self, tokens):
        """The place of each token; that of a mask token in vectors is -1."""
        found = self._vocabulary.places(tokens)
        places = np.where(found >= 0, found + len(self._specials), self._place_of_unknown(tokens, found))
        if self.mask_token is not None:
            is_mask = [token == self.mask_token for token in tokens] if self._is_text else tokens == self.mask_token
            places = np.where(is_mask, 0 if self.output_mode == "int" else -1, places)
        return places

    def _place_of_unknown(self, tokens, found):
        first = len(self._specials) - self.num_oov_indices
        if self.num_oov_indices == 1:
            return first
        missing = np.flatnonzero(found < 0)
        unknown = [tokens[place] for place in missing]
        if self.num_oov_indices == 0:
            wrong = [token for token in unknown if token != self.mask_token]
            if wrong:
                raise ValueError(
                    self._told(
                        f"has num_oov_indices=0, so that every token must be in its vocabulary; {wrong[0]!r} is not. Set "
                        "num_oov_indices=1, which gives such tokens a place of their own."
                    )
                )
            return np.full(len(found), -1)
        places = np.zeros(len(found), np.int64)
        places[missing] = first + self._bucket(unknown)
        return places

    def _bucket(self, tokens):
        return bucket_of(tokens, self.num_oov_indices, self.salt)

    def _given_out(self, places):
        if self.output_mode == "int":
            return as_ids(places)
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        vectors = encoded(places, mode, self._depth, self.output_dtype)
        return vectors * self._idf_weights if self.output_mode == "tf_idf" else vectors

    def _inverse(self, inputs):
        """The token at each place; the one for what is unknown where there is none."""
        if inputs.dtype.kind not in "iu":
            raise TypeError(self._told(f"has invert=True and takes ids, which are integers; got dtype {inputs.dtype}."))
        table = np.asarray([*self.get_vocabulary(), self.oov_token], object if self._is_text else np.int64)
        is_there = (inputs >= 0) & (inputs < len(table) - 1)
        return table[np.where(is_there, inputs, len(table) - 1)]

    @property
    def _depth(self):
        is_to_come = self._vocabulary is None and self._size_to_come is not None
        size = self._size_to_come if is_to_come else self.vocabulary_size()
        return self.max_tokens if self.pad_to_max_tokens else size

    @property
    def output_dtype(self) -> str:
        """int32 for ids, the compute dtype for vectors, strings for tokens of strings."""
        if self.output_mode != "int":
            return self.compute_dtype
        return "string" if self.invert and self._is_text else "int32"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape, or that with an axis for the categories.

        Raises:
            RuntimeError: it depends on a vocabulary that is not there yet.
        """
        if self.output_mode != "int" and not self.pad_to_max_tokens and not self._size_to_come:
            self._require_vocabulary()
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return encoded_shape(input_shape, mode, self._depth)

    def get_config(self) -> Config:
        """Every argument; the vocabulary where it was given to the constructor, as Keras has it."""
        return {
            **super().get_config(),
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "idf_weights": self._idf_weights_of_config(),
            "vocabulary": self._vocabulary_of_config(),
            "vocabulary_size": self.vocabulary_size() if self._vocabulary is not None else None,
            "oov_method": self.oov_method,
            "salt": self.salt,
        }
