"""The weighted harmonic mean of precision and recall."""

from typing import Any

import jax.numpy as jnp

from phasewise.core.registry import one_of, register
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike
from phasewise.losses.alignment import broadcast_rows, paired, ratio
from phasewise.losses.given_values import check_between_0_and_1, notice_scores
from phasewise.metrics.metric import KIND, Metric

_AVERAGES = (None, "micro", "macro", "weighted")


@register(KIND)
class FBetaScore(Metric):
    """(1 + beta²) tp / ((1 + beta²) tp + beta² fn + fp), from the true and false positives and false negatives of each class.

    Args:
        average: None, one score for each class; "macro", their mean; "weighted", their mean weighted by the number of rows of each;
            or "micro", the score of the counts of all classes together.
        beta: above 0; how much more recall counts than precision.
        threshold: in (0, 1]; a prediction above it is positive. None: the largest of a row is, of equal ones all are, and of
            a row of zeros none is.

    A score of nothing is 0. Keras adds 1e-7 to each count, which shows where weights are that small, and takes a largest score of
    exactly 0 for none.

    Raises:
        ValueError: an argument is none of these; in a batch, labels and predictions are not (rows, classes), or a label whose
            value is known is not in [0, 1].
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(dtype, name)
        self.average = one_of(type(self).__name__, "average", average, _AVERAGES)
        if not beta > 0:
            raise ValueError(f"{type(self).__name__}'s beta is above 0; got {beta!r}.")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"{type(self).__name__}'s threshold is above 0 and at most 1; got {threshold!r}.")
        self.beta, self.threshold = beta, threshold
        self.true_positives = None

    def prepare(self, y_true: Any, y_pred: Any) -> None:
        """Make the accumulators, one for each class."""
        self._make(y_true.shape, y_pred.shape)

    def _make(self, labels, predictions):
        if len(predictions) != 2 or tuple(labels) != tuple(predictions):
            raise ValueError(
                f"{type(self).__name__} takes labels and predictions of one shape, (rows, classes); got labels of shape "
                f"{tuple(labels)} and predictions of shape {tuple(predictions)}. Class numbers become one-hot first."
            )
        if self.true_positives is None:
            shape = () if self.average == "micro" else predictions[1:]
            for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
                setattr(self, name, self.add_variable(shape, "zeros", name=name))

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account: one-hot or yes-or-no labels (rows, classes), scores, and weights (rows,)."""
        y_true, y_pred = paired(y_true, y_pred)
        self._make(y_true.shape, y_pred.shape)
        check_between_0_and_1(type(self).__name__, y_true)
        if self.threshold is None:
            positive = (y_pred >= y_pred.max(-1, keepdims=True)) & (y_pred != 0).any(-1, keepdims=True)
        else:
            notice_scores(type(self).__name__, y_pred, "end in a sigmoid")
            positive = y_pred > self.threshold
        weight = jnp.ones((len(y_pred), 1)) if sample_weight is None else jnp.asarray(sample_weight, jnp.float32)
        weight, axis = broadcast_rows(weight, y_pred), None if self.average == "micro" else 0
        sums = {
            "true_positives": positive * y_true,
            "false_positives": positive * (1 - y_true),
            "false_negatives": ~positive * y_true,
            "intermediate_weights": y_true,
        }
        for name, values in sums.items():
            getattr(self, name).assign_add((values * weight).sum(axis))

    def result(self) -> Array:
        """The score so far, (classes,) where `average` is None, else one number; 0 of nothing."""
        if self.true_positives is None:
            return jnp.float32(0) if self.average else jnp.zeros((1,))
        square, right = self.beta**2, (1 + self.beta**2) * self.true_positives.value
        scores = ratio(right, right + square * self.false_negatives.value + self.false_positives.value)
        if self.average == "weighted":
            support = jnp.asarray(self.intermediate_weights.value)
            return ratio((scores * support).sum(), support.sum())
        return scores.mean() if self.average else scores

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


@register(KIND)
class F1Score(FBetaScore):
    """2 tp / (2 tp + fn + fp): `FBetaScore` with a `beta` of 1."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> Config:
        """Every argument."""
        config = super().get_config()
        del config["beta"]
        return config
