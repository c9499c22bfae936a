"""Accuracies: how often predictions are right."""

import jax.numpy as jnp
import numpy as np

from phasewise.core.keywords import told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, DTypeLike
from phasewise.losses.alignment import same_rank
from phasewise.losses.crossentropy import sparse_labels
from phasewise.losses.given_values import check_between_0_and_1, check_classes, is_known, notice_scores
from phasewise.metrics.metric import KIND
from phasewise.metrics.reduction import FUNCTIONS, MeanMetricWrapper, mean_of


@register(FUNCTIONS)
@told
def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Whether labels and predictions are equal, entry by entry."""
    y_true, y_pred = same_rank(jnp.asarray(y_true), jnp.asarray(y_pred))
    return (y_true == y_pred).astype(jnp.float32)


@register(FUNCTIONS)
@told
def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5) -> Array:
    """Whether a prediction above `threshold` goes with label 1, entry by entry. For logits, give 0."""
    y_true, y_pred = same_rank(jnp.asarray(y_true), jnp.asarray(y_pred))
    return (y_true == (y_pred > threshold).astype(y_true.dtype)).astype(jnp.float32)


@register(FUNCTIONS)
@told
def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Whether the largest entry of one-hot labels and of predictions are in the same place."""
    return (jnp.argmax(jnp.asarray(y_true), -1) == jnp.argmax(jnp.asarray(y_pred), -1)).astype(jnp.float32)


@register(FUNCTIONS)
@told
def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Whether the largest prediction is in the place that the integer label names."""
    y_pred = jnp.asarray(y_pred)
    return (sparse_labels(y_true, y_pred) == jnp.argmax(y_pred, -1)).astype(jnp.float32)


@register(FUNCTIONS)
@told
def top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> Array:
    """Whether fewer than `k` predictions are larger than the one-hot label's class."""
    return sparse_top_k_categorical_accuracy(jnp.argmax(jnp.asarray(y_true), -1), y_pred, k)


@register(FUNCTIONS)
@told
def sparse_top_k_categorical_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, k: int = 5, from_sorted_ids: bool = False
) -> Array:
    """Whether fewer than `k` predictions are larger than the integer label's class; a NaN counts as the smallest.

    Args:
        from_sorted_ids: whether the predictions are not scores but classes, best first.
    """
    y_pred = jnp.asarray(y_pred)
    labels = sparse_labels(y_true, y_pred)[..., None]
    if from_sorted_ids:
        return (y_pred[..., :k] == labels).any(-1).astype(jnp.float32)
    y_pred = jnp.where(jnp.isnan(y_pred), -jnp.inf, y_pred)
    score = jnp.take_along_axis(y_pred, jnp.clip(labels, 0, y_pred.shape[-1] - 1), -1)
    known = (labels >= 0) & (labels < y_pred.shape[-1]) & (score > -jnp.inf)
    return (known[..., 0] & ((y_pred > score).sum(-1) < k)).astype(jnp.float32)


def _classes_are_known(
    metric: MeanMetricWrapper, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> None:
    """Raises ValueError when a label that counts is no class; -1, which marks what is left out, is merely never right."""
    if is_known(y_true) and is_known(sample_weight) and not metric.arguments.get("from_sorted_ids"):
        exempt = None if sample_weight is None else np.asarray(sample_weight) == 0
        check_classes(metric.name, y_true, np.shape(y_pred)[-1], -1, exempt=exempt)


Accuracy = mean_of(accuracy, "Accuracy")
CategoricalAccuracy = mean_of(categorical_accuracy, "CategoricalAccuracy")
SparseCategoricalAccuracy = mean_of(
    sparse_categorical_accuracy, "SparseCategoricalAccuracy", check_values=_classes_are_known
)


@register(KIND)
class BinaryAccuracy(MeanMetricWrapper):
    """How often a prediction above `threshold` goes with label 1. For logits, give 0."""

    def __init__(self, name: str | None = "binary_accuracy", dtype: DTypeLike | None = None, threshold: float = 0.5):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)

    def check_values(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> None:
        """Raises ValueError when a label is not in [0, 1]; warns of scores outside of it, where the threshold is above 0."""
        check_between_0_and_1(self.name, y_true, is_binary=True)
        if self.arguments["threshold"] > 0:
            notice_scores(self.name, y_pred, "BinaryAccuracy(threshold=0), since a probability of 0.5 is a logit of 0")


@register(KIND)
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one-hot label's class is among the `k` largest predictions."""

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: DTypeLike | None = None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@register(KIND)
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer label's class is among the `k` largest predictions, or the first `k` of sorted classes."""

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: DTypeLike | None = None,
        from_sorted_ids: bool = False,
    ):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)

    check_values = _classes_are_known
