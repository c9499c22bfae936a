"""Hashing: strings and integers to a number of buckets, without a vocabulary."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.types import Config, Shape
from phasewise.layers.preprocessing.buckets import bucket_of, checked_salt
from phasewise.layers.preprocessing.host_layer import HostLayer, as_ids
from phasewise.layers.preprocessing.output_modes import checked_mode, encoded, encoded_shape, refuse_sparse

MODES = ("int", "one_hot", "multi_hot", "count")


@register("layer")
class Hashing(HostLayer):
    """The hash of each entry modulo `num_bins`, the same on every machine and in Keras; runs on the host.

    Args:
        num_bins: positive int, how many buckets there are.
        mask_value: str or int: entries that are equal to it have the bucket 0, all others one from 1 on. None for none.
        salt: int, or two: the hash is SipHash-2-4 with this key, which cannot be foreseen without it; else FarmHash64.
        output_mode: "int", "one_hot" (a vector for each entry), "multi_hot" or "count" (one for each row: which buckets occur, or how often).
        sparse: refused; see `Embedding`.

    Input: strings, bytes, integers (hashed as they are written in decimals) or floats (cut to integers) of any shape. Output: int32 of the
    input's shape; or (batch, num_bins), (..., num_bins) for "one_hot", of the compute dtype.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: str | int | None = None,
        salt: int | Sequence[int] | None = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_bins = check_count("Hashing", "num_bins", num_bins)
        self.mask_value = mask_value
        self.salt = checked_salt("Hashing", salt)
        self.output_mode = checked_mode("Hashing", output_mode, MODES)
        self.sparse = refuse_sparse("Hashing", sparse)
        self._describe_ids()

    def call(self, inputs: np.ndarray) -> np.ndarray:
        """The buckets, or the vectors."""
        buckets = self._buckets(inputs).reshape(inputs.shape)
        if self.output_mode == "int":
            return as_ids(buckets)
        return encoded(buckets, self.output_mode, self.num_bins, self.output_dtype)

    def _buckets(self, inputs):
        values = entries_of(self, inputs)
        has_mask = self.mask_value is not None and self.num_bins > 1
        buckets = bucket_of(values, self.num_bins - has_mask, self.salt)
        if not has_mask:
            return buckets
        if isinstance(self.mask_value, str) != isinstance(values, list):
            kind = "strings" if isinstance(values, list) else f"numbers of dtype {inputs.dtype}"
            raise TypeError(
                self._told(f"has mask_value={self.mask_value!r} and was given {kind}: they are never equal.")
            )
        is_mask = np.fromiter((value == self.mask_value for value in values), bool, len(values))
        return np.where(is_mask, 0, buckets + 1)

    @property
    def output_dtype(self) -> str:
        """int32 for buckets, the compute dtype for vectors."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape, or that with an axis for the buckets."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def get_config(self) -> Config:
        """Every argument."""
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "salt": self.salt,
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }


def entries_of(layer: HostLayer, array: np.ndarray) -> list[str] | np.ndarray:
    """The entries in order: a list of str, or int64 (uint64 where that is what they are).

    Raises:
        TypeError: they are neither strings nor numbers; the message names the layer.
    """
    if array.dtype.kind in "USO":
        return layer._texts(array)
    if array.dtype.kind not in "iuf":
        raise TypeError(layer._told(f"takes strings or integers; got an array of dtype {array.dtype}."))
    return array.ravel().astype(np.int64) if array.dtype.kind == "f" else array.ravel()
