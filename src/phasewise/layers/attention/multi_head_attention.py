"""Multi-head attention."""

import string
from collections.abc import Sequence
from typing import Any

from phasewise.core.arguments import check_count, check_integers
from phasewise.core.registry import register
from phasewise.core.types import Config, Named, Shape
from phasewise.kernels.attention import masked_softmax, products, weighted_sums
from phasewise.layers.attention.projected_attention import ProjectedAttention, output_of, scale_for
from phasewise.layers.attention.shapes import check_features, check_ranks, check_shapes
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class MultiHeadAttention(ProjectedAttention):
    """Attention by `num_heads` heads between linear projections of queries, keys and values (Vaswani et al. 2017, section 3.2).

    Each head computes softmax(q kᵀ / sqrt(key_dim)) v; what the heads give is projected together.

    Args:
        num_heads, key_dim: positive ints: number of heads, size of a head's queries and keys.
        value_dim: positive int, size of a head's values; `key_dim` when None.
        dropout: in [0, 1], the fraction of the weights that is dropped in training.
        use_bias: whether the projections have biases.
        output_shape: int or tuple, what takes the place of the last axis; None for the size that the query has there.
        attention_axes: int or tuple, the axes of places to attend over; None for all.
        sliding_window: positive int w: a query looks at keys less than w places away. None for no bound.
        flash_attention: accepted: the numbers are the same, so that dropout and scores go with it too.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint: of
            each of the projections.
        use_gate: whether what the heads give is multiplied by the sigmoid of a further projection of the query (Qiu et al. 2025).
        seed: of dropout.

    Input: query (batch, queries..., features), value (batch, keys..., features), key like value; see `call`. Output: (batch,
    queries..., `output_shape`), with the mask of the query.

    Scores and weights are computed in float32 or wider. Where it differs from Keras: a query all of whose keys are masked, as one that is
    padding itself, gets weights of 0; Keras, where it returns no scores, averages all values there. A `query_mask` that is given
    counts. The inputs keep their masks, so that a residual connection around the layer has one; Keras takes them off. Causal masks
    and windows follow the axis that is attended over.

    Raises:
        ValueError: shapes or masks that do not fit each other; the message names the argument.
    """

    fixed_by_build = ("num_heads", "key_dim", "value_dim", "use_bias", "use_gate", "attention_axes")

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        bias_constraint: Named = None,
        use_gate: bool = False,
        seed: Seed = None,
        **kwargs: Any,
    ):
        super().__init__(
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        owner = type(self).__name__
        self.num_heads = check_count(owner, "num_heads", num_heads)
        self.key_dim = check_count(owner, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else check_count(owner, "value_dim", value_dim)
        self._output_shape = _sizes(owner, output_shape)
        self.attention_axes = None if attention_axes is None else _integers(owner, "attention_axes", attention_axes)

    @property
    def query_heads(self) -> int:
        """Number of heads."""
        return self.num_heads

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        """Makes the projections: `query_dense`, `key_dense`, `gate_dense` (where there is a gate), `value_dense` and `output_dense`."""
        key_shape = value_shape if key_shape is None else key_shape
        check_ranks(self, query_shape, value_shape, key_shape)
        check_features(self, query_shape, value_shape, key_shape)
        self.attention_axes = self._attended_axes(len(query_shape))
        self._layout = self._layout_for(len(query_shape))
        split = _equation(len(query_shape) - 1, summed=1, made=2)
        unknown = (None,) * (len(query_shape) - 2)
        keys, values = (*unknown, self.num_heads, self.key_dim), (*unknown, self.num_heads, self.value_dim)
        self.query_dense = self._project("query", split, keys, query_shape)
        self.key_dense = self._project("key", split, keys, key_shape)
        if self.use_gate:
            self.gate_dense = self._project("gate", split, values, query_shape, "sigmoid")
        self.value_dense = self._project("value", split, values, value_shape)
        made = self._output_shape or query_shape[-1:]
        joined = _equation(len(query_shape) - 1, summed=2, made=len(made))
        self.output_dense = self._project(
            "attention_output", joined, (*unknown, *made), (*query_shape[:-1], self.num_heads, self.value_dim)
        )
        self.built = True

    def _attended_axes(self, rank):
        if self.attention_axes is None:
            return super()._attended_axes(rank)
        axes = tuple(axis + rank if axis < 0 else axis for axis in self.attention_axes)
        if len(set(axes)) < len(axes) or not all(1 <= axis < rank - 1 for axis in axes):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has attention_axes={self.attention_axes}; inputs with {rank} axes have the axes of "
                f"places 1 to {rank - 2}, and each is named once."
            )
        return axes

    def _attend(self, query, key, value, mask, thinned):
        layout = self._layout
        scores = products(layout.product, query, key, scale_for(self.key_dim))
        weights = masked_softmax(scores, mask, layout.softmax_axes)
        return weighted_sums(layout.combine, thinned(weights), value), weights

    def compute_output_shape(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> Shape:
        """(batch, queries..., `output_shape`)."""
        key_shape = value_shape if key_shape is None else key_shape
        check_ranks(self, query_shape, value_shape, key_shape)
        check_shapes(self, query_shape, value_shape, key_shape, self._attended_axes(len(query_shape)))
        return output_of(tuple(query_shape), self._output_shape)

    def get_config(self) -> Config:
        """Every argument but `flash_attention`, which changes nothing."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
        }


def _equation(kept, *, summed, made):
    """The equation of a projection that keeps the first axes, sums over `summed` and makes `made` new ones."""
    letters = string.ascii_lowercase
    first, old, new = letters[:kept], letters[kept : kept + summed], letters[kept + summed : kept + summed + made]
    return f"{first}{old},{old}{new}->{first}{new}"


def _integers(owner, name, value):
    return check_integers(owner, name, value if isinstance(value, list | tuple) else [value])


def _sizes(owner, value):
    sizes = _integers(owner, "output_shape", value) if value is not None else ()
    if any(size < 1 for size in sizes):
        raise ValueError(f"{owner}'s output_shape is made of positive integers; got {value!r}.")
    return sizes or None
