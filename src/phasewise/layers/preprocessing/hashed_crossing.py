"""HashedCrossing: several features to one, hashed to a number of buckets."""

from typing import Any

import numpy as np

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.strings import as_host_array
from phasewise.core.types import Config, Shape
from phasewise.kernels.fingerprint import concatenated, fingerprint64
from phasewise.layers.preprocessing.hashing import entries_of
from phasewise.layers.preprocessing.host_layer import HostLayer, as_ids
from phasewise.layers.preprocessing.output_modes import checked_mode, encoded, encoded_shape, refuse_sparse

_KEY = 0xDECAFCAFFE  # TensorFlow's, so that crossings are Keras's


@register("layer")
class HashedCrossing(HostLayer):
    """The hash of the combination of several features modulo `num_bins`, the same on every machine and in Keras; runs on the host.

    Args:
        num_bins: positive int, how many buckets there are.
        output_mode: "int", or "one_hot" (a vector for each row).
        sparse: refused; see `Embedding`.

    Input: a list or tuple of two or more arrays of integers or strings, all of shape (), (batch,) or (batch, 1). Output: int32 of that
    shape; or (batch, num_bins) of the compute dtype.
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.num_bins = check_count("HashedCrossing", "num_bins", num_bins)
        self.output_mode = checked_mode("HashedCrossing", output_mode, ("int", "one_hot"))
        self.sparse = refuse_sparse("HashedCrossing", sparse)
        self._describe_ids()

    def _on_host(self, inputs):
        if not isinstance(inputs, list | tuple) or len(inputs) < 2:
            shown = f"{len(inputs)} input" if isinstance(inputs, list | tuple) else f"a {type(inputs).__name__}"
            raise ValueError(self._told(f"takes a list or tuple of at least two inputs; got {shown}."))
        return [as_host_array(each) for each in inputs]

    def call(self, inputs: list[np.ndarray]) -> np.ndarray:
        """The buckets, or the vectors."""
        shape = self._shape([each.shape for each in inputs])
        key = np.full(int(np.prod(shape)), _KEY, np.uint64)
        with np.errstate(over="ignore"):
            for each in inputs:
                key = concatenated(key, self._numbers(each))
        buckets = (key % np.uint64(self.num_bins)).astype(np.int64).reshape(shape)
        if self.output_mode == "int":
            return as_ids(buckets)
        return encoded(buckets, "one_hot", self.num_bins, self.output_dtype)

    def _numbers(self, array):
        if array.dtype.kind == "f":
            raise TypeError(
                self._told(
                    f"takes integers or strings; got an array of dtype {array.dtype}. Put it into bins first, by Discretization."
                )
            )
        entries = entries_of(self, array)
        if isinstance(entries, list):
            return fingerprint64([entry.encode("utf-8") for entry in entries])
        return entries.astype(np.int64).view(np.uint64)

    def _shape(self, shapes):
        first = tuple(shapes[0])
        if any(tuple(shape) != first for shape in shapes):
            raise ValueError(self._told(f"takes inputs of one shape; got {', '.join(map(str, map(tuple, shapes)))}."))
        if len(first) > 2 or (len(first) == 2 and first[1] != 1):
            raise ValueError(self._told(f"takes inputs of shape (), (batch,) or (batch, 1); got {first}."))
        return first

    @property
    def output_dtype(self) -> str:
        """int32 for buckets, the compute dtype for vectors."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """The shape of one input, or that with an axis for the buckets."""
        if (
            not isinstance(input_shape, list | tuple)
            or len(input_shape) < 2
            or not isinstance(input_shape[0], list | tuple)
        ):
            raise ValueError(self._told(f"takes a list or tuple of at least two inputs; got the shape {input_shape}."))
        return encoded_shape(self._shape(input_shape), self.output_mode, self.num_bins)

    def get_config(self) -> Config:
        """Every argument."""
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }
