"""An embedding that also leads back: from vectors to a score for each id."""

from typing import Any

import jax.numpy as jnp

from phasewise.core import masking, precision
from phasewise.core.arguments import check_flag, check_number
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, DTypeLike, Named, Nest, Shape
from phasewise.graph import symbolic
from phasewise.kernels.matrix_product import matrix_product
from phasewise.layers.embedding.embedding import Embedding


@register("layer")
class ReversibleEmbedding(Embedding):
    """An `Embedding` that, called with `reverse=True`, gives the scores `inputs @ embeddings.T` of all ids (Press & Wolf 2017).

    Args:
        input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero: as of `Embedding`, and so
            are further keyword arguments.
        tie_weights: whether the way back takes the same table; else it has weights of its own, (output_dim, input_dim).
        reverse_dtype: name of the dtype that the way back computes in; None for the layer's compute dtype.
        logit_soft_cap: positive number c: the scores s become c tanh(s / c). None for no cap.

    Input: ids of any shape; with `reverse=True`, (..., output_dim). Output: (*input, output_dim); with `reverse=True`, (..., input_dim),
    which has no mask, as in Keras.

    Where it differs from Keras: under mixed precision the way back computes in the compute dtype, accumulated in float32; Keras says so too,
    and computes in float32.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Named = "uniform",
        embeddings_regularizer: Named = None,
        embeddings_constraint: Named = None,
        mask_zero: bool = False,
        reverse_dtype: DTypeLike | None = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ):
        weights = kwargs.pop("weights", None)
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.tie_weights = check_flag("ReversibleEmbedding", "tie_weights", tie_weights)
        self.reverse_dtype = None if reverse_dtype is None else precision.resolve(reverse_dtype).compute_dtype
        self.logit_soft_cap = logit_soft_cap
        if logit_soft_cap is not None and check_number("ReversibleEmbedding", "logit_soft_cap", logit_soft_cap, 0) == 0:
            raise ValueError("ReversibleEmbedding's logit_soft_cap must be a number above 0, or None; got 0.")
        if weights is not None:
            self._begin_with(weights)

    def build(self, input_shape: Shape | None = None) -> None:
        """Makes the table, and the weights of the way back where these are its own."""
        if self.built:
            return
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim), self.embeddings_initializer, name="reverse_embeddings"
            )

    def call(self, inputs: Array, reverse: bool = False) -> Array:
        """The vectors of ids, or the scores of vectors."""
        if reverse:
            return self._scores(inputs)
        vectors = super().call(inputs)
        masking.attach(vectors, super().compute_mask(inputs))
        return vectors

    def _scores(self, vectors):
        if vectors.shape[-1] != self.output_dim:
            raise ValueError(
                f"ReversibleEmbedding {self.name!r} leads back from vectors of size output_dim={self.output_dim}; got an input of shape "
                f"{tuple(vectors.shape)}."
            )
        dtype = self.reverse_dtype or self.compute_dtype
        kernel = self.adapted().T if self.tie_weights else self.reverse_embeddings.raw
        scores = matrix_product(vectors.astype(dtype), jnp.asarray(kernel).astype(dtype))
        cap = self.logit_soft_cap
        return scores if cap is None else cap * jnp.tanh(scores / cap)

    def compute_mask(self, inputs: Array, previous_mask: Array | None = None) -> None:
        """None: a call attaches the mask itself, where its input are ids."""
        return None

    def compute_output_shape(self, input_shape: Shape, reverse: bool = False) -> Shape:
        """(*input, output_dim); with `reverse`, (..., input_dim)."""
        return (*input_shape[:-1], self.input_dim) if reverse else (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> Nest:
        """The shape and dtype of what a call returns."""
        dtype = (self.reverse_dtype if reverse else None) or self.compute_dtype
        return symbolic.specs_of(self.compute_output_shape(tuple(inputs.shape), reverse), dtype)

    def get_config(self) -> Config:
        """Every argument but `weights`."""
        mine = {
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
        return {**super().get_config(), **mine}
