"""Additive attention."""

from collections.abc import Sequence
from typing import Any

from phasewise.core.registry import register
from phasewise.core.types import Config, Shape
from phasewise.kernels.attention import sums_of_tanh
from phasewise.layers.attention.attention import Attention


@register("layer")
class AdditiveAttention(Attention):
    """softmax(scores) @ value, the scores being sum(scale * tanh(query + key)) over the features (Bahdanau et al. 2015).

    Args:
        use_scale: whether there is a weight `scale`, (size,); else it is 1.
        dropout: in [0, 1], the fraction of the weights that is dropped in training.

    Input, output, further arguments and differences from Keras: as of `Attention`.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Makes `scale`, (size of the query,), where it is used."""
        self._check(input_shape)
        self.scale = self.add_weight(input_shape[0][-1:], "glorot_uniform", name="scale") if self.use_scale else None
        self.built = True

    def _scores(self, query, key):
        return sums_of_tanh(query, key, None if self.scale is None else self.scale.value)

    def get_config(self) -> Config:
        """Every argument."""
        config = super().get_config()
        del config["score_mode"]
        return config
