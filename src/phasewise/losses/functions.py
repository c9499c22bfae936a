"""Losses as functions of arrays: labels and predictions (rows, ..., d) to values (rows, ...)."""

import jax
import jax.numpy as jnp

from phasewise.losses.alignment import same_rank
from phasewise.registry import register

KIND = "loss"
TINY = 1e-7  # Keras's epsilon: probabilities are kept this far from 0 and 1


def _floats(y_true, y_pred):
    y_pred = jnp.asarray(y_pred)
    y_pred = y_pred.astype(jnp.promote_types(y_pred.dtype, jnp.float32))
    return same_rank(jnp.asarray(y_true).astype(y_pred.dtype), y_pred)


@register(KIND, "mse", "MSE")
def mean_squared_error(y_true, y_pred):
    """mean((y_true - y_pred)²) over the last axis."""
    y_true, y_pred = _floats(y_true, y_pred)
    return jnp.square(y_true - y_pred).mean(-1)


@register(KIND, "mae", "MAE")
def mean_absolute_error(y_true, y_pred):
    """mean(|y_true - y_pred|) over the last axis."""
    y_true, y_pred = _floats(y_true, y_pred)
    return jnp.abs(y_true - y_pred).mean(-1)


@register(KIND)
def huber(y_true, y_pred, delta=1.0):
    """Half the square up to `delta`, linear beyond (Huber 1964); mean over the last axis."""
    y_true, y_pred = _floats(y_true, y_pred)
    error = jnp.abs(y_true - y_pred)
    return jnp.where(error <= delta, 0.5 * error * error, delta * error - 0.5 * delta * delta).mean(-1)


@register(KIND, "mape", "MAPE")
def mean_absolute_percentage_error(y_true, y_pred):
    """100 * mean(|y_true - y_pred| / |y_true|) over the last axis."""
    y_true, y_pred = _floats(y_true, y_pred)
    return 100 * jnp.abs((y_true - y_pred) / jnp.maximum(jnp.abs(y_true), TINY)).mean(-1)


@register(KIND, "msle", "MSLE")
def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((log(y_true + 1) - log(y_pred + 1))²) over the last axis; negative values count as 0."""
    y_true, y_pred = _floats(y_true, y_pred)
    return jnp.square(jnp.log(jnp.maximum(y_pred, TINY) + 1) - jnp.log(jnp.maximum(y_true, TINY) + 1)).mean(-1)


@register(KIND, "log_cosh", "logcosh")
def log_cosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true))) over the last axis."""
    y_true, y_pred = _floats(y_true, y_pred)
    error = y_pred - y_true
    return (error + jax.nn.softplus(-2 * error) - jnp.log(2.0)).mean(-1)


@register(KIND)
def poisson(y_true, y_pred):
    """mean(y_pred - y_true * log(y_pred)) over the last axis."""
    y_true, y_pred = _floats(y_true, y_pred)
    return (y_pred - y_true * jnp.log(y_pred + TINY)).mean(-1)


@register(KIND, "kld", "KLD", "kullback_leibler_divergence")
def kl_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred)) over the last axis."""
    y_true, y_pred = _floats(y_true, y_pred)
    y_true, y_pred = jnp.clip(y_true, TINY, 1), jnp.clip(y_pred, TINY, 1)
    return (y_true * jnp.log(y_true / y_pred)).sum(-1)


@register(KIND)
def hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)) over the last axis; labels 0 and 1 count as -1 and 1."""
    y_true, y_pred = _floats(y_true, y_pred)
    return jnp.maximum(1 - _signs(y_true) * y_pred, 0).mean(-1)


@register(KIND)
def squared_hinge(y_true, y_pred):
    """The mean of the squares of `hinge`'s terms."""
    y_true, y_pred = _floats(y_true, y_pred)
    return jnp.square(jnp.maximum(1 - _signs(y_true) * y_pred, 0)).mean(-1)


@register(KIND)
def categorical_hinge(y_true, y_pred):
    """max(1 + the largest score of a wrong class - the right one's, 0)."""
    y_true, y_pred = _floats(y_true, y_pred)
    return jnp.maximum(((1 - y_true) * y_pred).max(-1) - (y_true * y_pred).sum(-1) + 1, 0)


@register(KIND)
def cosine_similarity(y_true, y_pred, axis=-1):
    """The cosine between labels and predictions along `axis`."""
    y_true, y_pred = _floats(y_true, y_pred)
    return (_unit(y_true, axis) * _unit(y_pred, axis)).sum(axis)


@register(KIND, "bce", "BCE")
def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-(y log p + (1 - y) log(1 - p)), mean over `axis`.

    Args:
        y_true: labels in [0, 1].
        y_pred: probabilities, kept 1e-7 from 0 and 1; or logits.
        label_smoothing: in [0, 1]; moves labels towards 1/2.
    """
    y_true, y_pred = _floats(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        values = jax.nn.softplus(-jnp.abs(y_pred)) + jnp.maximum(y_pred, 0) - y_true * y_pred
    else:
        p = jnp.clip(y_pred, TINY, 1 - TINY)
        values = -(y_true * jnp.log(p) + (1 - y_true) * jnp.log(1 - p))
    return values.mean(axis)


@register(KIND, "cce")
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum(y log p) over the classes along `axis`.

    Args:
        y_true: one-hot or soft labels.
        y_pred: probabilities, divided by their sum first; or logits.
        label_smoothing: in [0, 1]; moves labels towards uniform.
    """
    y_true, y_pred = _floats(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / y_pred.shape[axis]
    if from_logits:
        logs = jax.nn.log_softmax(y_pred, axis)
    else:
        logs = jnp.log(jnp.clip(y_pred / y_pred.sum(axis, keepdims=True), TINY, 1 - TINY))
    return -(y_true * logs).sum(axis)


@register(KIND, "scce")
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log p of the labelled class along `axis`; 0 where the label is `ignore_class`.

    Args:
        y_true: integer labels (rows, ...), a trailing axis of size 1 allowed.
        y_pred: probabilities or logits (rows, ..., classes).
    """
    y_pred = jnp.asarray(y_pred)
    y_pred = y_pred.astype(jnp.promote_types(y_pred.dtype, jnp.float32))
    labels = sparse_labels(y_true, y_pred)
    logs = jax.nn.log_softmax(y_pred, axis) if from_logits else jnp.log(jnp.clip(y_pred, TINY, 1 - TINY))
    axis = axis % y_pred.ndim
    shape = [1] * y_pred.ndim
    shape[axis] = y_pred.shape[axis]
    chosen = jnp.expand_dims(labels, axis) == jnp.arange(y_pred.shape[axis]).reshape(shape)
    values = -jnp.where(chosen, logs, 0).sum(axis)
    return values if ignore_class is None else jnp.where(labels == ignore_class, 0, values)


def sparse_labels(y_true, y_pred):
    """Integer labels with one axis less than the predictions."""
    labels = jnp.asarray(y_true)
    if labels.ndim == y_pred.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    return labels.astype(jnp.int32)


def _signs(y_true):
    """Labels 0 and 1 as -1 and 1, where all labels are 0 or 1."""
    binary = jnp.all((y_true == 0) | (y_true == 1))
    return jnp.where(binary, 2 * y_true - 1, y_true)


def _unit(x, axis):
    return x / jnp.sqrt(jnp.maximum(jnp.square(x).sum(axis, keepdims=True), 1e-12))
