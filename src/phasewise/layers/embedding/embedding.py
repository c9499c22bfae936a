"""Embedding: a vector for each id."""

from typing import Any

import jax
import jax.numpy as jnp

from phasewise import constraints, initializers, regularizers
from phasewise.core import registry
from phasewise.core.arguments import check_count, check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, Named, Shape
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.kernels.embedding import rows_of
from phasewise.layer.inputs import are_dtypes_supposed
from phasewise.layer.layer import Layer
from phasewise.layers.embedding.ids import check_ids
from phasewise.layers.low_rank import LowRank
from phasewise.switch import observe


@register("layer")
class Embedding(LowRank, Layer):
    """Row i of a table of weights, for each id i.

    Args:
        input_dim: positive int, number of ids.
        output_dim: positive int, size of a vector.
        embeddings_initializer: initializer.
        embeddings_regularizer: added to the loss.
        embeddings_constraint: applied after each update.
        mask_zero: whether id 0 is padding, which the layers behind leave out: the output's mask is `ids != 0`.
        weights: array (input_dim, output_dim), or a list of that one array, to begin with; None for the initializer's.
        lora_rank, lora_alpha: see `enable_lora`.
        quantization_config: None; there are no quantized layers here.

    Input: ids of any shape, whole numbers in [0, input_dim) in any dtype. Output: (*input, output_dim). The gradient is added up
    row by row in the dtype of the weights; no matrix of ids by `input_dim` is made.

    Where it differs from Keras: an id outside the range is an error wherever its value can be looked at: in a call on arrays,
    and of data that go to fit, evaluate, predict or a model and to the embedding as they are. Where it cannot (an id that a compiled
    program works out), the vector is NaN, for a negative id as well: Keras takes row `input_dim + id` then.

    Raises:
        ValueError: an id outside the range; the message gives it, and its row.
    """

    fixed_by_build = ("input_dim", "output_dim")
    adapted_weight = "embeddings"

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Named = "uniform",
        embeddings_regularizer: Named = None,
        embeddings_constraint: Named = None,
        mask_zero: bool = False,
        weights: ArrayLike | list[ArrayLike] | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        if kwargs.pop("input_length", None) is not None:
            warn(f"{type(self).__name__}'s input_length has no effect: leave it out.", PhasewiseWarning)
        super().__init__(**kwargs)
        self.autocast = False  # ids keep their digits
        self.input_dim = check_count(type(self).__name__, "input_dim", input_dim)
        self.output_dim = check_count(type(self).__name__, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = check_flag(type(self).__name__, "mask_zero", mask_zero)
        self._set_low_rank(lora_rank, lora_alpha)
        self._refuse_quantization(quantization_config=quantization_config)
        if weights is not None:
            self._begin_with(weights)

    def _begin_with(self, weights):
        self.build()
        self.embeddings.assign(weights[0] if isinstance(weights, list) and len(weights) == 1 else weights)

    def build(self, input_shape: Shape | None = None) -> None:
        """Makes the table, (input_dim, output_dim)."""
        if self.built:
            return
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )
        self._build_low_rank()
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The vectors."""
        self._refuse_rounded(inputs.dtype)
        if isinstance(inputs, jax.core.Tracer):
            observe.note_ids(inputs)
        else:
            check_ids(self, inputs)
        ids = jnp.asarray(inputs).astype(jnp.int32)
        vectors = rows_of(jnp.asarray(self.embeddings.raw), ids)
        if self.lora_enabled:
            shift = jnp.matmul(rows_of(jnp.asarray(self.lora_a.raw), ids), self.lora_b.raw)
            vectors = vectors + (self.lora_alpha / self.lora_rank) * shift
        return vectors.astype(self.compute_dtype)

    def _refuse_rounded(self, dtype):
        """Raises ValueError where ids come in a floating dtype that rounds some of them."""
        if not jnp.issubdtype(dtype, jnp.floating) or self.input_dim - 1 <= 2 ** (jnp.finfo(dtype).nmant + 1):
            return
        if are_dtypes_supposed():
            return
        raise ValueError(
            f"{type(self).__name__} {self.name!r} has input_dim={self.input_dim} and was given ids in {dtype}, which rounds whole numbers "
            f"above {2 ** (jnp.finfo(dtype).nmant + 1)}. Give ids as integers: a model of your own casts floating inputs to its compute "
            "dtype."
        )

    def compute_mask(self, inputs: Array, previous_mask: Array | None = None) -> Array | None:
        """Where the id is not 0, with `mask_zero`; else None."""
        return jnp.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(*input, output_dim)."""
        return (*input_shape, self.output_dim)

    def get_config(self) -> Config:
        """Every argument but `weights`; `lora_rank` and `lora_alpha` where they are used."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": registry.serialize(self.embeddings_initializer),
            "embeddings_regularizer": registry.serialize(self.embeddings_regularizer),
            "embeddings_constraint": registry.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }
