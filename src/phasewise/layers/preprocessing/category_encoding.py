"""CategoryEncoding: ids to vectors of zeros and ones, or of counts."""

from typing import Any

import jax
import jax.numpy as jnp

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.kernels.categories import encoded_ids
from phasewise.layer.layer import Layer
from phasewise.layers.embedding.ids import check_ids
from phasewise.layers.preprocessing.output_modes import checked_mode, encoded_shape, refuse_sparse
from phasewise.switch import observe


@register("layer")
class CategoryEncoding(Layer):
    """Ids in [0, num_tokens) to vectors with an entry for each.

    Args:
        num_tokens: positive int, how many categories there are.
        output_mode: "multi_hot" (which ids occur in a row), "count" (how often), or "one_hot" (a vector for each id).
        sparse: refused; see `Embedding`.

    Input: whole numbers (batch, count), or (batch,) for "one_hot"; in the call, `count_weights` of the same shape say what each counts,
    with "count" only. Output: (batch, num_tokens), or (batch, count, num_tokens) for "one_hot" (count left out where it is 1); of the
    compute dtype. Input of one axis is one row for "multi_hot" and "count".

    An id outside of the range is an error on the host, with its row; inside of compiled code it counts for no category.
    """

    size_argument = "num_tokens"

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if num_tokens is None:
            raise ValueError(
                "CategoryEncoding needs num_tokens, the number of categories. Where that is not known, use IntegerLookup."
            )
        self.autocast = False  # ids keep their digits
        self.num_tokens = check_count("CategoryEncoding", "num_tokens", num_tokens)
        self.output_mode = checked_mode("CategoryEncoding", output_mode, ("multi_hot", "count", "one_hot"))
        self.sparse = refuse_sparse("CategoryEncoding", sparse)

    def call(self, inputs: Array, count_weights: Array | None = None) -> Array:
        """The vectors.

        Raises:
            ValueError: an id outside of the range, or `count_weights` in another output mode or of another shape.
        """
        if isinstance(inputs, jax.core.Tracer):
            observe.note_ids(inputs)
        else:
            check_ids(self, inputs)
        ids = jnp.asarray(inputs).astype(jnp.int32)
        if count_weights is not None:
            self._check_weights(ids.shape, jnp.shape(count_weights))
            count_weights = jnp.asarray(count_weights)
        return encoded_ids(ids, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def _check_weights(self, shape, given):
        if self.output_mode != "count":
            raise ValueError(
                f"CategoryEncoding {self.name!r} takes count_weights with output_mode='count'; it has {self.output_mode!r}."
            )
        if given != shape:
            raise ValueError(
                f"CategoryEncoding {self.name!r} needs a weight for each id; the ids have shape {shape}, the weights {given}."
            )

    @property
    def input_dim(self) -> int:
        """How many ids there are."""
        return self.num_tokens

    def compute_output_shape(self, input_shape: Shape, count_weights_shape: Shape | None = None) -> Shape:
        """The input's shape with an axis for the categories."""
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def get_config(self) -> Config:
        """Every argument but `sparse`, as Keras has it."""
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}
