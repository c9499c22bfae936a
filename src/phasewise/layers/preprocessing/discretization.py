"""Discretization: numbers to the bins between boundaries."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, Nest, Shape
from phasewise.core.warning import NonFiniteWarning, warn
from phasewise.data.feed import check_numeric
from phasewise.graph.symbolic import SymbolicTensor
from phasewise.kernels.categories import encoded_ids
from phasewise.kernels.quantile_summary import boundaries, merged, summarized
from phasewise.layer.layer import Layer
from phasewise.layers.adapting import batches_to_adapt
from phasewise.layers.preprocessing.output_modes import checked_mode, encoded_shape, refuse_sparse


@register("layer")
class Discretization(Layer):
    """The number of boundaries that are at most x: bin i holds the x in [boundary i - 1, boundary i).

    Args:
        bin_boundaries: list of float in ascending order; one bin more than boundaries.
        num_bins: positive int: that many bins, whose boundaries `adapt` takes from data; instead of `bin_boundaries`.
        epsilon: float in (0, 1]: about which share of the data a boundary may be off by; smaller is more exact and takes more memory.
        output_mode: "int" (int32 of the input's shape), "one_hot" (a vector for each number), "multi_hot" or "count" (one for each row:
            which bins occur, or how often), of the compute dtype.
        sparse: refused; see `Embedding`.

    Input: numbers, (batch, ...). Output: the input's shape, (..., bins) for "one_hot" (a last axis of size 1 left out), or (batch, bins).
    NaN is in the last bin.
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.autocast = False  # what is on one side of a boundary may not be once it is rounded
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                f"Discretization takes bin_boundaries, or num_bins and adapt; one of the two. Got {bin_boundaries=} and {num_bins=}."
            )
        self.num_bins = None if num_bins is None else check_count("Discretization", "num_bins", num_bins)
        self.bin_boundaries = None if bin_boundaries is None else _checked(bin_boundaries)
        if not (isinstance(epsilon, int | float | np.floating) and 0 < epsilon <= 1):
            raise ValueError(f"Discretization's epsilon is a number in (0, 1]; got {epsilon!r}.")
        self.epsilon = float(epsilon)
        self.output_mode = checked_mode("Discretization", output_mode, ("int", "one_hot", "multi_hot", "count"))
        self.sparse = refuse_sparse("Discretization", sparse)

    def adapt(self, data: ArrayLike | Iterable[Any], steps: int | None = None) -> None:
        """Take the boundaries from data, in one pass, so that about as many numbers lie in each bin; what was adapted to before no longer
        counts.

        Args:
            data: an array or list of numbers, or batches of them: a `phasewise.Dataset`, a generator, a list of arrays. Of a batch (x, y)
                only x counts.
            steps: how many batches are read, None for all.

        Raises:
            ValueError: the layer was made with its boundaries, or the data hold no numbers, or never end.
        """
        if self.num_bins is None:
            raise ValueError(
                f"Discretization {self.name!r} was made with its bin_boundaries: there is nothing to adapt. Pass num_bins instead."
            )
        summary, left_out = None, 0
        for batch in batches_to_adapt(self, data, steps, rows=len):
            check_numeric("adapt's data", batch)
            x = batch.astype(np.float64)
            numbers = x[np.isfinite(x)]
            left_out += x.size - numbers.size
            if numbers.size:
                part = summarized(numbers, self.epsilon)
                summary = merged(part, np.empty((2, 0)) if summary is None else summary, self.epsilon)
        if summary is None:
            raise ValueError(f"Discretization {self.name!r} cannot adapt to data that hold no numbers.")
        if left_out:
            warn(
                f"Discretization {self.name!r} left {left_out} entries of adapt's data out, which are NaN or infinite: no boundary can "
                "lie there. A call puts NaN into the last bin.",
                NonFiniteWarning,
            )
        self.bin_boundaries = boundaries(summary, self.num_bins).astype(np.float32).tolist()

    def call(self, inputs: Array) -> Array:
        """The bins, or the vectors.

        Raises:
            RuntimeError: there are no boundaries yet.
        """
        self._require_boundaries()
        x = jnp.asarray(inputs)
        x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        bins = jnp.searchsorted(jnp.asarray(self.bin_boundaries, x.dtype), x, side="right").astype(jnp.int32)
        if self.output_mode == "int":
            return bins
        return encoded_ids(bins, self.output_mode, len(self.bin_boundaries) + 1, self.compute_dtype)

    def _require_boundaries(self):
        if self.bin_boundaries is None:
            raise RuntimeError(
                f"Discretization {self.name!r} has no boundaries yet. Call layer.adapt(data), or pass bin_boundaries=, first."
            )

    def compute_output_spec(self, inputs: Nest) -> SymbolicTensor:
        """A symbolic tensor of the output's shape; int32 for bins."""
        dtype = "int32" if self.output_mode == "int" else self.compute_dtype
        return SymbolicTensor(self.compute_output_shape(inputs.shape), dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape, or that with an axis for the bins."""
        bins = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        return encoded_shape(input_shape, self.output_mode, bins)

    def get_config(self) -> Config:
        """Every argument, `trainable` where it is False, which Keras's class cannot be given; after `adapt` the boundaries too, as Keras
        has it."""
        config = super().get_config()
        frozen = {} if config["trainable"] else {"trainable": False}
        return {
            **frozen,
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": config["name"],
            "dtype": config["dtype"],
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer; boundaries beside `num_bins` are those it was adapted to."""
        if config.get("bin_boundaries") is None or config.get("num_bins") is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = _checked(config["bin_boundaries"])
        return layer


def _checked(values):
    given = np.asarray(values, np.float64)
    if given.ndim != 1 or not np.all(np.diff(given) >= 0):
        raise ValueError(f"Discretization's bin_boundaries are numbers in ascending order; got {values!r}.")
    return given.tolist()
