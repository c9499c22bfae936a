"""Accuracies: how often predictions are right."""

import jax
import jax.numpy as jnp

from phasewise.losses.alignment import same_rank
from phasewise.losses.functions import sparse_labels
from phasewise.metrics.metric import KIND
from phasewise.metrics.reduction import MeanMetricWrapper
from phasewise.registry import register


def _arrays(y_true, y_pred):
    return same_rank(jnp.asarray(y_true), jnp.asarray(y_pred))


def accuracy(y_true, y_pred):
    """Whether labels and predictions are equal, entry by entry."""
    y_true, y_pred = _arrays(y_true, y_pred)
    return (y_true == y_pred).astype(jnp.float32)


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Whether a probability above `threshold` goes with label 1, entry by entry."""
    y_true, y_pred = _arrays(y_true, y_pred)
    return (y_true == (y_pred > threshold).astype(y_true.dtype)).astype(jnp.float32)


def categorical_accuracy(y_true, y_pred):
    """Whether the largest entry of one-hot labels and of predictions are in the same place."""
    return (jnp.argmax(jnp.asarray(y_true), -1) == jnp.argmax(jnp.asarray(y_pred), -1)).astype(jnp.float32)


def sparse_categorical_accuracy(y_true, y_pred):
    """Whether the largest prediction is in the place that the integer label names."""
    y_pred = jnp.asarray(y_pred)
    return (sparse_labels(y_true, y_pred) == jnp.argmax(y_pred, -1)).astype(jnp.float32)


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Whether the label is among the `k` largest predictions, labels one-hot."""
    return sparse_top_k_categorical_accuracy(jnp.argmax(jnp.asarray(y_true), -1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Whether the integer label is among the `k` largest predictions."""
    y_pred = jnp.asarray(y_pred)
    labels = sparse_labels(y_true, y_pred)
    largest = jax.lax.top_k(y_pred, min(k, y_pred.shape[-1]))[1]
    return (largest == labels[..., None]).any(-1).astype(jnp.float32)


@register(KIND)
class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels."""

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(accuracy, name, dtype)


@register(KIND)
class BinaryAccuracy(MeanMetricWrapper):
    """How often a probability above `threshold` goes with label 1."""

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        if not 0 < threshold < 1:
            raise ValueError(f"BinaryAccuracy's threshold is between 0 and 1; got {threshold!r}.")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@register(KIND)
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the one-hot label's class."""

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(categorical_accuracy, name, dtype)


@register(KIND)
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the integer label's class."""

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


@register(KIND)
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one-hot label's class is among the `k` largest predictions."""

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@register(KIND)
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer label's class is among the `k` largest predictions."""

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        if from_sorted_ids:
            raise ValueError("from_sorted_ids is not supported: pass scores.")
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k)


__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
]
