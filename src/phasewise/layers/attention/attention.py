"""Dot-product attention without projections."""

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from phasewise.core import registry
from phasewise.core.arguments import check_flag
from phasewise.core.registry import one_of, register
from phasewise.core.types import Array, Config, Nest, Shape
from phasewise.graph import symbolic
from phasewise.kernels.attention import causal, masked_softmax, products, sums_of_tanh, weighted_sums
from phasewise.layer.layer import Layer
from phasewise.layers.attention.shapes import check_features, check_mask, check_ranks, check_shapes, check_widths
from phasewise.layers.regularization.random_layer import Seed, as_seed, check_rate, drawn_to_keep, thinned


@register("layer")
class Attention(Layer):
    """softmax(scores) @ value, the scores being query @ keyᵀ (Luong et al. 2015, "dot").

    Args:
        use_scale: whether the scores are multiplied by a weight `scale`, which begins at 1.
        score_mode: "dot", or "concat" for `concat_score_weight * sum(tanh(scale * (query + key)))` over the features, with a weight that
            begins at 1.
        dropout: in [0, 1], the fraction of the weights that is dropped in training.
        seed: of dropout.

    Input: a list [query, value] or [query, value, key] of shapes (batch, queries, size), (batch, keys, any size), (batch, keys,
    size); key is value when absent; further axes may lie behind the batch's. Output: (batch, queries, size of value), with the
    query's mask; 0 where that is False.

    Scores and weights are computed in float32 or wider. Where it differs from Keras: a query all of whose keys are masked gets weights of
    0; Keras gives it those that it would have without a mask.

    Raises:
        ValueError: no such list, or shapes that do not fit each other.
    """

    supports_masking = True

    def __init__(
        self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, seed: Seed = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.use_scale = check_flag(type(self).__name__, "use_scale", use_scale)
        self.score_mode = one_of(type(self).__name__, "score_mode", score_mode, ("dot", "concat"))
        self.dropout = check_rate(self, dropout, "dropout")
        self.seed = as_seed(self, seed)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Makes `scale` and `concat_score_weight`, scalars, where they are used."""
        self._check(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        is_concat = self.score_mode == "concat"
        self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight") if is_concat else None
        self.built = True

    def call(
        self,
        inputs: Sequence[Array],
        mask: Sequence[Array | None] | None = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Array | tuple[Array, Array]:
        """The output, and with `return_attention_scores` the weights as well, (batch, queries, keys), after dropout.

        Args:
            inputs: [query, value] or [query, value, key].
            mask: [query's, value's]: boolean, (batch, queries) and (batch, keys), or None: the places that are no padding. By default
                those that the inputs carry.
            training: whether weights are dropped.
            use_causal_mask: whether query i looks at the keys 0 to i only.
        """
        self._check([each.shape for each in inputs])
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = (*mask, None)[:2] if mask is not None else (None, None)
        scores = self._scores(query, key)
        seen = self._seen(scores, value, value_mask, use_causal_mask)
        weights = masked_softmax(scores, seen, (scores.ndim - 1,))
        weights = self._thinned(weights) if training else weights
        outputs = weighted_sums("...qk,...kd->...qd", weights, value)
        if query_mask is not None:
            check_mask(self, "query mask", query_mask, query)
            outputs = jnp.where(_over_places(query_mask, query)[..., None], outputs, 0)
        return (outputs, weights.astype(self.compute_dtype)) if return_attention_scores else outputs

    def _scores(self, query, key):
        if self.score_mode == "dot":
            scores = products("...qd,...kd->...qk", query, key, 1)
            return scores if self.scale is None else scores * self.scale.value
        if self.scale is not None:
            query, key = query * self.scale.value, key * self.scale.value
        return sums_of_tanh(query, key, self.concat_score_weight.value)

    def _seen(self, scores, value, value_mask, use_causal_mask):
        """Which query looks at which key; None: each at all."""
        parts = [causal(*scores.shape[-2:])] if use_causal_mask else []
        if value_mask is not None:
            check_mask(self, "value mask", value_mask, value)
            parts.append(_over_places(value_mask, value)[..., None, :])
        return functools.reduce(jnp.logical_and, parts) if parts else None

    def _thinned(self, weights):
        check_rate(self, self.dropout, "dropout")  # it may have been assigned
        return thinned(weights, self.dropout, lambda: drawn_to_keep(self, weights.shape, self.dropout, self.seed))

    def _check(self, shapes):
        given = [tuple(shape) for shape in shapes] if all(isinstance(s, list | tuple) for s in shapes) else []
        if len(given) not in (2, 3):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes a list [query, value] or [query, value, key]; got "
                f"{f'{len(given)} inputs' if given else 'one input'} of shape {given or tuple(shapes)}."
            )
        query, value, key = *given[:2], given[-1]
        check_ranks(self, query, value, key)
        check_features(self, query, value, key)
        check_shapes(self, query, value, key, (len(query) - 2,))
        check_widths(self, query, key)

    def compute_mask(self, inputs: Sequence[Array], previous_mask: Sequence[Array | None] | None) -> Array | None:
        """The query's."""
        return previous_mask[0] if previous_mask is not None else None

    @property
    def acts_by_phase(self) -> bool:
        """Whether weights are dropped in training."""
        return self.dropout > 0

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """What is dropped."""
        return f"drops {self.dropout:.0%} of the weights" if training else "drops nothing"

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """(batch, queries, size of value)."""
        self._check(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Nest:
        """Found by tracing `call`, which runs nothing."""
        return symbolic.infer(self.__call__, args, kwargs)

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"use_scale": self.use_scale, "score_mode": self.score_mode, "dropout": self.dropout}
        return {**super().get_config(), **mine, "seed": registry.serialize(self.seed)}


def _over_places(mask, array):
    """A mask of the first axes of `array` as a boolean array with all its axes but the last."""
    mask = jnp.asarray(mask, bool)
    return mask.reshape(*mask.shape, *(1,) * (array.ndim - 1 - mask.ndim))
