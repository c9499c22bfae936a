"""What attention layers share that look at linear projections of their inputs, by several heads."""

import contextlib
import functools
import math
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp

from phasewise import constraints, initializers, regularizers
from phasewise.core import masking, naming, registry
from phasewise.core.arguments import check_count, check_flag
from phasewise.core.types import Array, Config, Named, Nest, Shape
from phasewise.graph import symbolic
from phasewise.kernels.attention import causal, within
from phasewise.layer.layer import Layer
from phasewise.layers.attention.score_layout import ScoreLayout
from phasewise.layers.attention.shapes import check_mask, check_pair_mask, check_shapes
from phasewise.layers.einsum_dense import EinsumDense
from phasewise.layers.regularization.random_layer import Seed, as_seed, check_rate, drawn_to_keep, thinned

_RULES = ("kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint")


class ProjectedAttention(Layer):
    """Subclass it with `build`, which calls `_project` and sets `_layout`, and with `_attend`.

    The arguments are explained in the subclasses.
    """

    supports_masking = True
    stored_as = MappingProxyType({"gate_dense": "_gate_dense"})
    query_heads = 0

    def __init__(
        self,
        *,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Named,
        bias_initializer: Named,
        kernel_regularizer: Named,
        bias_regularizer: Named,
        activity_regularizer: Named,
        kernel_constraint: Named,
        bias_constraint: Named,
        use_gate: bool,
        seed: Seed,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.dropout = check_rate(self, dropout, "dropout")
        self.use_bias = check_flag(owner, "use_bias", use_bias)
        self.use_gate = check_flag(owner, "use_gate", use_gate)
        self.sliding_window = None if sliding_window is None else check_count(owner, "sliding_window", sliding_window)
        if flash_attention is not None:
            check_flag(owner, "flash_attention", flash_attention)
        self.seed = as_seed(self, seed)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._activity_of_projections = regularizers.get(activity_regularizer)

    # -- weights

    def _project(self, name, equation, output_shape, input_shape, activation=None):
        """A new `EinsumDense`, built: one of the layers inside. Its bias extends over the axes that the input does not have."""
        word, _, outputs = equation.replace("->", ",").split(",")
        layer = EinsumDense(
            equation,
            output_shape=output_shape,
            activation=activation,
            bias_axes="".join(axis for axis in outputs if axis not in word) if self.use_bias else None,
            kernel_initializer=_fresh(self.kernel_initializer),
            bias_initializer=_fresh(self.bias_initializer),
            activity_regularizer=self._activity_of_projections,
            **{rule: getattr(self, rule) for rule in _RULES},
            dtype=self.dtype_policy,
            name=name,
        )
        with naming.building(), self._its_path(), naming.path_part(name, layer):
            layer.build(input_shape)
        return layer

    @contextlib.contextmanager
    def _its_path(self):
        """Inside the block, paths end in the name of this layer, also where `build` was called by hand."""
        if naming.path().split("/")[-1] == self.name:
            yield
            return
        with naming.path_part(self.name, self):
            yield

    # -- the call

    def call(
        self,
        query: Array,
        value: Array,
        key: Array | None = None,
        query_mask: Array | None = None,
        value_mask: Array | None = None,
        key_mask: Array | None = None,
        attention_mask: Array | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Array | tuple[Array, Array]:
        """The output, and with `return_attention_scores` the weights as well.

        Args:
            query: (batch, queries..., features).
            value: (batch, keys..., features).
            key: (batch, keys..., features); `value` when None.
            query_mask, value_mask, key_mask: boolean, (batch, queries...) or (batch, keys...): the places that are no padding. Each is
                by default the mask that the array carries.
            attention_mask: boolean, which query may look at which key: (batch, queries..., keys...), or with an axis of heads behind
                the batch axis, or without the batch axis; sizes of 1 broadcast.
            return_attention_scores: whether to return the weights, (batch, heads, queries..., keys...), before dropout.
            training: whether weights are dropped.
            use_causal_mask: whether query i looks at the keys 0 to i only.

        Raises:
            ValueError: shapes do not fit each other; the message names the argument.
        """
        key = value if key is None else key
        check_shapes(self, query.shape, value.shape, key.shape, self._attended_axes(query.ndim))
        masks = {"query_mask": (query, query_mask), "value_mask": (value, value_mask), "key_mask": (key, key_mask)}
        mask = self._mask(masks, attention_mask, use_causal_mask)
        gate = self.gate_dense(query) if self.use_gate else None
        heads = self.query_dense(query), self.key_dense(key), self.value_dense(value)
        context, weights = self._attend(*heads, mask, self._thinned if training else _as_they_are)
        outputs = self.output_dense(context if gate is None else context * gate)
        masking.attach(outputs, query_mask)
        return (outputs, weights.astype(self.compute_dtype)) if return_attention_scores else outputs

    def _thinned(self, weights):
        check_rate(self, self.dropout, "dropout")  # it may have been assigned
        return thinned(weights, self.dropout, lambda: drawn_to_keep(self, weights.shape, self.dropout, self.seed))

    def _mask(self, masks, attention_mask, use_causal_mask):
        """Which query looks at which key, a boolean array that broadcasts against the scores; None: each at all."""
        layout, parts = self._layout, []
        for name, (array, mask) in masks.items():
            if mask is not None:
                check_mask(self, name, mask, array)
                parts.append(layout.of_queries(mask) if name == "query_mask" else layout.of_keys(mask))
        (query, _), (value, _) = masks["query_mask"], masks["value_mask"]
        if attention_mask is not None:
            shape = layout.shape(query.shape, value.shape, self.query_heads)
            check_pair_mask(self, attention_mask, layout, shape)
            parts.append(layout.of_pairs(jnp.asarray(attention_mask, bool)))
        if use_causal_mask or self.sliding_window is not None:
            axis = self._only_axis("use_causal_mask" if use_causal_mask else "sliding_window")
            places = query.shape[axis], value.shape[axis]
            parts += [causal(*places)] if use_causal_mask else []
            parts += [within(self.sliding_window, *places)] if self.sliding_window is not None else []
        return functools.reduce(jnp.logical_and, parts) if parts else None

    def _only_axis(self, argument):
        if len(self._layout.axes) > 1:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} attends over the axes {self._layout.axes}, and {argument} needs one axis, whose places "
                "have an order. Give attention_axes, or an attention_mask of your own."
            )
        return self._layout.axes[0]

    def _attended_axes(self, rank):
        return tuple(range(1, rank - 1))

    def _layout_for(self, rank):
        """The `ScoreLayout` for inputs of this rank: the projections have an axis more, of heads."""
        return ScoreLayout(rank + 1, self._attended_axes(rank))

    # -- the switch and shapes

    @property
    def acts_by_phase(self) -> bool:
        """Whether weights are dropped in training."""
        return self.dropout > 0

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """What is dropped."""
        return f"drops {self.dropout:.0%} of the weights" if training else "drops nothing"

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Nest:
        """Found by tracing `call`, which runs nothing."""
        return symbolic.infer(self.__call__, args, kwargs)

    def get_config(self) -> Config:
        """Every argument but `flash_attention`, which changes nothing."""
        named = ("dropout", "use_bias", "use_gate", "sliding_window")
        objects = ("kernel_initializer", "bias_initializer", *_RULES, "seed")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in named},
            **{name: registry.serialize(getattr(self, name)) for name in objects},
            "activity_regularizer": registry.serialize(self._activity_of_projections),
        }


def scale_for(features: int) -> float:
    """1 / sqrt(features): with it, products of vectors of independent entries of variance 1 have variance 1."""
    return 1 / math.sqrt(features)


def output_of(query_shape: Shape, own: Shape | None) -> Shape:
    """The shape of the output: that of the queries, the last axis replaced by `own` where that is given."""
    return (*query_shape[:-1], *(own or query_shape[-1:]))


def _as_they_are(weights):
    return weights


def _fresh(initializer):
    """The initializer for one more weight: one without a seed draws other numbers for each."""
    return initializer.clone() if isinstance(initializer, initializers.Initializer) else initializer
