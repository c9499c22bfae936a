"""Cross-entropies as functions of arrays: of yes-or-no labels, of one-hot labels, of integer labels.

All compute in float32 or wider. In a step of `fit`, `evaluate`, `train_on_batch` and `test_on_batch` probabilities that come
straight out of a sigmoid or a softmax of ours are traced back to the logits that these were given (`phasewise.core.logits`),
and the loss is that of the logits: it has no bound and keeps all digits, also where the activation rounds to 0 or 1.

All other probabilities are kept 1e-7 from 0 and 1, as in Keras, so that a loss never exceeds 16.2 a label and a saturated
probability gets no gradient. Keras does so with the outputs of a model, too: there a row that is wrong by far is not learnt.

Scale: all are in nats (natural logarithms). The binary ones are the mean over the labels of a row, so that ten labels cost as much as
one; the categorical ones are the sum over the classes of a row, of which one label has one term that counts. Of the same
problem one sigmoid with the binary loss and two softmax units with the categorical one therefore give the same number; two sigmoids
with one-hot labels give the mean of the terms of both labels, not their sum.
"""

import jax
import jax.numpy as jnp

from phasewise.core import logits
from phasewise.core.defaults import epsilon
from phasewise.core.keywords import told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.kernels.log_softmax import log_softmax
from phasewise.losses.alignment import as_float, entrywise, paired
from phasewise.losses.functions import KIND
from phasewise.losses.given_values import check_between_0_and_1, check_classes, notice_scores


@register(KIND, "bce", "BCE")
@entrywise
@told
def binary_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Array:
    """-(y log p + (1 - y) log(1 - p)), mean over `axis`.

    Scale: nats a label, not a row: one value a row, the mean over its labels. 0.693 = log 2 is a coin's. For the sum over the labels
    of a row multiply by their number.

    Args:
        y_true: labels in [0, 1], shaped as the predictions.
        y_pred: probabilities, or logits.
        label_smoothing: in [0, 1]; moves labels towards 1/2.

    Raises:
        ValueError: the shapes differ, or a label whose value is known is not in [0, 1].
    """
    y_true, y_pred = _of_one_shape("binary_crossentropy", y_true, y_pred)
    y_pred, from_logits = scores("binary_crossentropy", y_pred, from_logits)
    return _binary(_towards_half(y_true, label_smoothing), y_pred, from_logits).mean(axis)


@register(KIND)
@entrywise
@told
def binary_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """`binary_crossentropy` times (1 - p of the label)^gamma: easy rows count less (Lin et al. 2017, equation 4).

    Scale: nats a label, as there, each at most what it is there: a coin's is 0.693 / 2^gamma.

    Args:
        apply_class_balancing: whether label 1 also weighs `alpha` and label 0 weighs 1 - `alpha`.
        gamma: of at least 0.
        from_logits, label_smoothing, axis: as for `binary_crossentropy`.

    Raises:
        ValueError: the shapes differ, or a label whose value is known is not in [0, 1].
    """
    y_true, y_pred = _of_one_shape("binary_focal_crossentropy", y_true, y_pred)
    y_pred, from_logits = scores("binary_focal_crossentropy", y_pred, from_logits)
    y_true = _towards_half(y_true, label_smoothing)
    p, q = (jax.nn.sigmoid(y_pred), jax.nn.sigmoid(-y_pred)) if from_logits else (y_pred, 1 - y_pred)
    values = _power(y_true * q + (1 - y_true) * p, gamma) * _binary(y_true, y_pred, from_logits)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return values.mean(axis)


@register(KIND)
@told
def categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Array:
    """-sum(y log p) over the classes along `axis`.

    Scale: nats a row (or a position): one value for each, the sum over the classes, not their mean. log(classes) is that of knowing
    nothing, 2.303 for 10.

    Args:
        y_true: one-hot or soft labels, shaped as the predictions.
        y_pred: probabilities, divided by their sum first; or logits.
        label_smoothing: in [0, 1]; moves labels towards uniform.

    Raises:
        ValueError: the shapes differ, or a label whose value is known is not in [0, 1].
    """
    y_true, y_pred = _of_one_shape("categorical_crossentropy", y_true, y_pred, classes=axis)
    y_pred, from_logits = scores("categorical_crossentropy", y_pred, from_logits, axis)
    return -(_towards_uniform(y_true, label_smoothing, axis) * _logs(y_pred, from_logits, axis)).sum(axis)


@register(KIND)
@told
def categorical_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """`categorical_crossentropy` with each class's term times alpha * (1 - p)^gamma (Lin et al. 2017, equation 5).

    Scale: nats a row, the sum over the classes, times at most `alpha`, which is 0.25 by default.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as for `categorical_crossentropy`.
        alpha: what every class weighs.
        gamma: of at least 0.

    Raises:
        ValueError: the shapes differ, or a label whose value is known is not in [0, 1].
    """
    y_true, y_pred = _of_one_shape("categorical_focal_crossentropy", y_true, y_pred, classes=axis)
    y_pred, from_logits = scores("categorical_focal_crossentropy", y_pred, from_logits, axis)
    logs = _logs(y_pred, from_logits, axis)
    values = alpha * _power(-jnp.expm1(logs), gamma) * logs
    return -(_towards_uniform(y_true, label_smoothing, axis) * values).sum(axis)


@register(KIND)
@told
def sparse_categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Array:
    """-log p of the labelled class along `axis`; 0, with no gradient, where the label is `ignore_class`.

    Scale: nats a label: one value for each, the same as `categorical_crossentropy` gives of the one-hot label.

    Args:
        y_true: whole numbers (rows, ...), of integer or float dtype; an axis of size 1 for the classes is allowed.
        y_pred: probabilities, divided by their sum first; or logits; (rows, ..., classes).

    Raises:
        ValueError: the shapes do not fit, or a label whose value is known is no class.
    """
    y_pred = as_float(y_pred)
    labels = sparse_labels(y_true, y_pred, axis)
    check_classes("sparse_categorical_crossentropy", y_true, y_pred.shape[axis], ignore_class)
    y_pred, from_logits = scores("sparse_categorical_crossentropy", y_pred, from_logits, axis)
    if ignore_class is not None:
        y_pred = jnp.where(jnp.expand_dims(labels != ignore_class, axis), y_pred, 1)
    chosen = jax.nn.one_hot(labels, y_pred.shape[axis], dtype=bool, axis=axis)
    values = -jnp.where(chosen, _logs(y_pred, from_logits, axis), 0).sum(axis)
    return values if ignore_class is None else jnp.where(labels == ignore_class, 0, values)


@register(KIND)
@told
def categorical_generalized_cross_entropy(y_true: ArrayLike, y_pred: ArrayLike, q: float) -> Array:
    """(1 - p^q) / q of the labelled class: between cross-entropy (q to 0) and absolute error (q = 1), robust to wrong
    labels (Zhang & Sabuncu 2018, equation 6).

    Scale: one value a label, between 0 and 1 / q; no logarithm, so no nats.

    Args:
        y_true: whole numbers (rows, ...).
        y_pred: probabilities (rows, ..., classes); one of exactly 0 gets no gradient, unless its logit is known.
        q: between 0 and 1.
    """
    y_pred = as_float(y_pred)
    check_classes("categorical_generalized_cross_entropy", y_true, y_pred.shape[-1])
    chosen = jax.nn.one_hot(sparse_labels(y_true, y_pred), y_pred.shape[-1], dtype=bool)
    y_pred, from_logits = scores("categorical_generalized_cross_entropy", y_pred, False, -1)
    if from_logits:
        return -jnp.expm1(q * jnp.where(chosen, log_softmax(y_pred, -1), 0).sum(-1)) / q
    p = jnp.where(chosen, y_pred, 0).sum(-1)
    return (1 - _power(p, q)) / q


def sparse_labels(y_true, y_pred, axis=-1):
    """Integer labels shaped as the predictions without `axis`.

    Raises:
        ValueError: they cannot be.
    """
    labels = jnp.asarray(y_true)
    if labels.ndim == y_pred.ndim:
        single = axis if labels.shape[axis] == 1 else -1
        labels = labels.squeeze(single) if labels.shape[single] == 1 else labels
    axis = axis % y_pred.ndim
    if labels.shape != y_pred.shape[:axis] + y_pred.shape[axis + 1 :]:
        raise ValueError(
            f"Integer labels have the predictions' shape without the classes along axis {axis}; got labels of shape "
            f"{jnp.shape(y_true)} and predictions of shape {y_pred.shape}."
        )
    return labels.astype(jnp.int32)


def _of_one_shape(name, y_true, y_pred, classes=None):
    shapes = f"labels of shape {jnp.shape(y_true)} and predictions of shape {jnp.shape(y_pred)}"
    y_true, y_pred = paired(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        hint = " Integer labels go with sparse_categorical_crossentropy." if classes is not None else ""
        raise ValueError(f"{name} takes labels and predictions of one shape; got {shapes}.{hint}")
    if classes is not None and y_pred.shape[classes] == 1:
        warn(f"{name} of {shapes}: over one class it says nothing. Use binary_crossentropy.", PhasewiseWarning)
    check_between_0_and_1(name, y_true, is_binary=classes is None)
    return y_true, y_pred


def scores(name, y_pred, from_logits, axis=None):
    """(the predictions, whether they are logits): the logits of the predictions where these are known.

    Args:
        axis: of the classes; None where each prediction stands for itself.
    """
    found = logits.of(y_pred)
    if found is None:
        return y_pred, from_logits
    if from_logits:
        activation = "sigmoid" if found.axis is None else "softmax"
        warn(
            f"{name}(from_logits=True) is given the output of a {activation}, which are probabilities: they are taken for logits. "
            f"Leave out the {activation}, or from_logits=True.",
            PhasewiseWarning,
        )
        return y_pred, True
    values = as_float(found.values)
    if axis is None:
        return (values, True) if found.axis is None else (y_pred, False)
    if found.axis is None:  # divided by their sum, these are the softmax of their own logarithms
        return -jax.nn.softplus(-values), True
    return (values, True) if found.axis == axis % values.ndim else (y_pred, False)


def _towards_half(y_true, label_smoothing):
    return y_true * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true


def _towards_uniform(y_true, label_smoothing, axis):
    return y_true * (1 - label_smoothing) + label_smoothing / y_true.shape[axis] if label_smoothing else y_true


def _power(x, exponent):
    """x^exponent, with no slope at 0, where that of an exponent below 1 has no bound: there nothing is left to learn."""
    return jnp.where(x > 0, jnp.power(jnp.where(x > 0, x, 1), exponent), 0.0**exponent)


def _binary(y_true, y_pred, from_logits):
    if from_logits:
        return y_true * jax.nn.softplus(-y_pred) + (1 - y_true) * jax.nn.softplus(y_pred)
    notice_scores("binary cross-entropy", y_pred, "from_logits=True")
    p = jnp.clip(y_pred, epsilon(), 1 - epsilon())
    return -(y_true * jnp.log(p) + (1 - y_true) * jnp.log(1 - p))


def _logs(y_pred, from_logits, axis):
    if from_logits:
        return log_softmax(y_pred, axis)
    notice_scores("categorical cross-entropy", y_pred, "from_logits=True", from_above=False)
    total = y_pred.sum(axis, keepdims=True)
    return jnp.log(jnp.clip(y_pred / jnp.where(total == 0, 1, total), epsilon(), 1 - epsilon()))
