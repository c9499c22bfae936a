"""The normalized terms of a recurrent cell: each a layer inside the cell, with a phase, weights and statistics of its own."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from phasewise import initializers
from phasewise.core.types import Array
from phasewise.kernels.recurrent_terms import Normalizer, Term
from phasewise.layer.layer import Layer
from phasewise.layers.recurrent.step_statistics import StepStatistics
from phasewise.switch import observe, statistics_policy
from phasewise.switch.collected_moments import is_collecting
from phasewise.switch.collected_rows import rows_asked_for

FIRST_GAMMA = 0.1
"""What gamma begins at: from 1, as in other layers, tanh and sigmoid saturate and no gradient comes through (Cooijmans et al. 2017,
section 4)."""


class Use(NamedTuple):
    """What a term does in one call of its cell.

    Attributes:
        normalizer: how it is normalized.
        arrays: gamma, beta, and the statistics with the axes (time, 1, channels).
        follows: whether the moving statistics follow the batch.
    """

    normalizer: Normalizer
    arrays: Term
    follows: bool = False


class RecurrentTerm(Layer):
    """What a recurrent cell normalizes at every step of a sequence. The cell calls it once a sequence, with `begin` and `end`.

    Args:
        channels: positive int.
        center: whether `beta` is added.
        epsilon: number of at least 0 added to the variance.
    """

    def __init__(self, channels: int, center: bool, epsilon: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.channels, self.center, self.epsilon = channels, center, epsilon

    def build(self, input_shape: Any = None) -> None:
        """Makes gamma and, where it is added, beta, each (channels,)."""
        first = initializers.Constant(FIRST_GAMMA)
        self.gamma = self.add_weight((self.channels,), first, name="gamma", autocast=False)
        self.beta = self.add_weight((self.channels,), "zeros", name="beta", autocast=False) if self.center else None
        self.built = True

    @property
    def arrays(self) -> Term:
        """Gamma and beta."""
        return Term(jnp.asarray(self.gamma.raw), None if self.beta is None else jnp.asarray(self.beta.raw), None)


class LayerTerm(RecurrentTerm):
    """A term that is normalized row by row (Ba et al. 2016, "Layer Normalization"), alike in both phases.

    Args:
        groups: widths of the parts of the channels that are normalized by themselves.
    """

    acts_by_phase = False

    def __init__(self, channels: int, center: bool, epsilon: float, groups: tuple[int, ...], **kwargs: Any):
        super().__init__(channels, center, epsilon, **kwargs)
        self.groups = groups

    def begin(self, training: bool | None, first: Any, counts: Any, shape: tuple[int, int]) -> Use:
        """What it does; arguments as in `BatchTerm`."""
        return Use(Normalizer("row", self.epsilon, groups=self.groups), self.arrays)

    def end(self, use: Use, first: Any, counts: Any, found: tuple[Array, Array] | None) -> None:
        """Nothing follows."""


class BatchTerm(RecurrentTerm):
    """A term that is normalized with the moments of the batch at each step, or with moving ones of each step.

    Args:
        steps: positive int, how many steps have moving statistics of their own.
        momentum: in [0, 1], the weight of the past in them.
        fed_with: the name of the cell.
    """

    freezing_means_inference = True
    updates_state = "moving ones follow"
    acts_by_phase = True
    virtual_batch_size = None

    def __init__(
        self, channels: int, center: bool, epsilon: float, *, steps: int, momentum: float, fed_with: str, **kwargs: Any
    ):
        super().__init__(channels, center, epsilon, **kwargs)
        self.steps, self.momentum, self.fed_with = steps, momentum, fed_with
        self._moving_statistics = None

    def build(self, input_shape: Any = None) -> None:
        """Makes gamma and beta, and moving_mean and moving_variance, each (steps, channels)."""
        super().build()
        self._moving_statistics = StepStatistics(self, self.steps, self.channels, self.fed_with)

    @property
    def _averages(self):
        return (self._moving_statistics,) if self._moving_statistics is not None else ()

    @property
    def moving_mean(self) -> Any:
        """The moving averages of the batches' means, a `Variable` of shape (steps, channels)."""
        return self._moving_statistics.mean

    @property
    def moving_variance(self) -> Any:
        """The moving averages of the batches' variances, a `Variable` of shape (steps, channels)."""
        return self._moving_statistics.variance

    def begin(self, training: bool | None, first: Any, counts: Any, shape: tuple[int, int]) -> Use:
        """What it does by the switch.

        Args:
            training: what the cell's own call was given.
            first: number of the first step; may be traced.
            counts: (time,), how many rows are in the moments of a step; a number where all are.
            shape: (time, batch).
        """
        time, rows = shape
        decision = self._decide()
        if decision.rule > 1 and training is not None and decision.training != training:
            decision = self._decide(training)
        policy = "batch" if decision.training else statistics_policy.policy_for(self.name)
        with observe.call(self, decision):
            observe.note_statistics(str(policy), values=rows)
        if policy == "batch" and rows:
            return Use(Normalizer("batch", self.epsilon), self.arrays, decision.training)
        statistics, uses = [part[:, None] for part in self._moving_statistics.rows_for(first, time)], "moving"
        weight = jnp.zeros((time, 1, 1))
        if isinstance(
            policy, statistics_policy.Blend
        ):  # at one step a channel of a row is one value, and has no statistics of its own
            uses, counts = "blend", jnp.broadcast_to(jnp.asarray(counts, jnp.float32), (time,))
            weight = (counts / jnp.maximum(policy.n + counts, 1e-30))[:, None, None]
        arrays = self.arrays._replace(statistics=(*statistics, weight))
        hands_out = bool(rows) and uses == "moving" and rows_asked_for() is not None
        return Use(Normalizer(uses, self.epsilon, bool(rows) and is_collecting(), hands_out=hands_out), arrays)

    def end(self, use: Use, first: Any, counts: Any, found: tuple[Array, Array] | None) -> None:
        """The moving statistics follow what was found in training, and those who collect moments are told.

        Args:
            use: what `begin` said.
            first, counts: as in `begin`.
            found: (mean, variance), each (time, channels), or None.
        """
        if found is None or not len(found[0]):
            return
        if is_collecting():
            self._moving_statistics.record_steps(first, counts, found)
        if use.follows:
            self._moving_statistics.follow_steps(first, counts, found)

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """Which statistics normalize."""
        return f"{statistics} statistics"
