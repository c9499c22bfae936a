"""Grouped-query attention: several heads of queries share a head of keys and values."""

from types import MappingProxyType
from typing import Any

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.types import Config, Named, Shape
from phasewise.kernels.attention import masked_softmax, products, weighted_sums
from phasewise.layers.attention.projected_attention import ProjectedAttention, scale_for
from phasewise.layers.attention.shapes import check_features, check_ranks, check_shapes
from phasewise.layers.regularization.random_layer import Seed


@register("layer", "GroupedQueryAttention")
class GroupQueryAttention(ProjectedAttention):
    """Attention whose query heads share heads of keys and values in groups of equal size (Ainslie et al. 2023).

    With as many heads of both it is multi-head attention, with one head of keys and values multi-query attention (Shazeer 2019).

    Args:
        head_dim: positive int, size of a head's queries, keys and values.
        num_query_heads, num_key_value_heads: positive ints; the first is a multiple of the second.
        dropout: in [0, 1], the fraction of the weights that is dropped in training.
        use_bias: whether the projections have biases.
        sliding_window: positive int w: a query looks at keys less than w places away. None for no bound.
        flash_attention: accepted: the numbers are the same, so that dropout and scores go with it too.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint: of
            each of the projections.
        use_gate: whether what the heads give is multiplied by the sigmoid of a further projection of the query (Qiu et al. 2025).
        seed: of dropout.

    Input: query (batch, queries, features), value (batch, keys, features), key like value; see `call`. Output: (batch, queries,
    features of the query), with its mask.

    Where it differs from Keras: as `MultiHeadAttention`; and `activity_regularizer` sees each projection once, where Keras adds that of
    the output a second time. Features of query and value may differ.

    Raises:
        ValueError: heads that do not divide, shapes or masks that do not fit each other; the message names the argument.
    """

    fixed_by_build = ("head_dim", "num_query_heads", "num_key_value_heads", "use_bias", "use_gate")

    class_on_file = "grouped_query_attention"
    stored_as = MappingProxyType(
        {f"{name}_dense": f"_{name}_dense" for name in ("query", "key", "gate", "value", "output")}
    )

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
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
        self.head_dim = check_count(owner, "head_dim", head_dim)
        self.num_query_heads = check_count(owner, "num_query_heads", num_query_heads)
        self.num_key_value_heads = check_count(owner, "num_key_value_heads", num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"{owner}'s num_query_heads must be a multiple of num_key_value_heads, so that each head of keys serves as many of "
                f"queries; got {num_query_heads} and {num_key_value_heads}."
            )

    @property
    def query_heads(self) -> int:
        """Number of heads of queries."""
        return self.num_query_heads

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        """Makes the projections: `query_dense`, `key_dense`, `gate_dense` (where there is a gate), `value_dense` and `output_dense`."""
        key_shape = value_shape if key_shape is None else key_shape
        check_ranks(self, query_shape, value_shape, key_shape, rank=3)
        check_features(self, query_shape, value_shape, key_shape)
        self._layout = self._layout_for(3)
        queries = (None, self.num_query_heads, self.head_dim)
        keys = (None, self.num_key_value_heads, self.head_dim)
        self.query_dense = self._project("query", "bqm,muh->bquh", queries, query_shape)
        self.key_dense = self._project("key", "bkm,mvh->bkvh", keys, key_shape)
        if self.use_gate:
            self.gate_dense = self._project("gate", "bqm,muh->bquh", queries, query_shape, "sigmoid")
        self.value_dense = self._project("value", "bkm,mvh->bkvh", keys, value_shape)
        joined = (*query_shape[:2], self.num_query_heads, self.head_dim)
        self.output_dense = self._project("attention_output", "bquh,uhm->bqm", (None, query_shape[-1]), joined)
        self.built = True

    def _attend(self, query, key, value, mask, thinned):
        rows, places, _, features = query.shape
        query = query.reshape(rows, places, self.num_key_value_heads, -1, features)
        scores = products("bqgrh,bkgh->bgrqk", query, key, scale_for(features))
        grouped = scores.shape
        weights = masked_softmax(scores.reshape(rows, self.num_query_heads, *grouped[3:]), mask, (3,))
        context = weighted_sums("bgrqk,bkgh->bqgrh", thinned(weights).reshape(grouped), value)
        return context.reshape(rows, places, self.num_query_heads, features), weights

    def compute_output_shape(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> Shape:
        """The query's shape."""
        key_shape = value_shape if key_shape is None else key_shape
        check_ranks(self, query_shape, value_shape, key_shape, rank=3)
        check_shapes(self, query_shape, value_shape, key_shape, (1,))
        return tuple(query_shape)

    def get_config(self) -> Config:
        """Every argument but `flash_attention`, which changes nothing."""
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }
