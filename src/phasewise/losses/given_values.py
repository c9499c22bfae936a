"""Are labels and scores what a loss or metric takes them for? Asked where their values are known: of a call by hand, of data on the host.

Inside a compiled step values are not known, and nothing is asked.
"""

import jax
import numpy as np

from phasewise.core.warning import LogitsWarning, warn

ROUNDING = 1e-3  # by which a probability that was computed in a narrow dtype may lie outside of [0, 1]


def is_known(array):
    """Whether this is an array with values, and not what JAX traces."""
    return not isinstance(array, jax.core.Tracer)


def row(number):
    """What a row is called in a call by hand."""
    return f"row {number}"


def check_classes(name, labels, classes, ignored=None, *, of="", locate=row, exempt=None, hint=""):
    """Raises ValueError when an integer label is none of `classes` numbers; the message gives it and its row.

    Args:
        name: of the loss or metric.
        labels: array (rows, ...); one that is traced is not looked at.
        ignored: a label that is allowed all the same.
        of: " of output 'a'", where there is such.
        locate: names a row.
        hint: what the message ends with.
        exempt: boolean, broadcasts against the labels from the left: those that count nowhere; or None.
    """
    if not is_known(labels):
        return
    labels = np.asarray(labels)
    if labels.dtype.kind == "f":
        _require(of, name, labels, labels != np.floor(labels), "a whole number", locate)
    outside = (labels < 0) | (labels >= classes)
    if ignored is not None:
        outside &= labels != ignored
    if exempt is not None:
        outside &= ~exempt.reshape(exempt.shape + (1,) * (labels.ndim - exempt.ndim))
    _require(of, name, labels, outside, f"in [0, {classes - 1}], for {classes} classes", locate, lambda _: hint)


def check_between_0_and_1(name, labels, *, of="", locate=row, is_binary=False):
    """Raises ValueError when a label is not between 0 and 1; the message gives it and its row. Arguments as for `check_classes`.

    Args:
        is_binary: whether labels say yes or no, so that class numbers are worth a hint.
    """
    if is_known(labels):
        labels = np.asarray(labels)
        _require(
            of,
            name,
            labels,
            (labels < 0) | (labels > 1),
            "between 0 and 1",
            locate,
            _binary_hint if is_binary else None,
        )


def notice_scores(name, scores, remedy, *, from_above=True):
    """Warn of a score outside of [0, 1] that is taken for a probability.

    Args:
        name: of the loss or metric.
        scores: array; one that is traced is not looked at.
        remedy: what to do about logits.
        from_above: whether scores above 1 are none either; else all are divided by their sum.
    """
    if not is_known(scores) or not np.size(scores):
        return
    scores = np.asarray(scores)
    low, high = scores.min(), scores.max()
    if low < -ROUNDING or (from_above and high > 1 + ROUNDING):
        worst = float(low if low < -ROUNDING else high)
        warn(
            f"{name} takes scores for probabilities, and was given {worst:.6g}, which is outside of [0, 1]. For logits: {remedy}.",
            LogitsWarning,
        )


def _require(of, name, labels, bad, expected, locate, hint=None):
    if bad.any():
        place = np.unravel_index(bad.argmax(), bad.shape)
        where = f" in {locate(place[0])}" if place else ""
        raise ValueError(
            f"A label{of} is {labels[place]:.6g}{where}; {name} needs every label to be {expected}.{hint(labels) if hint else ''}"
        )


def _binary_hint(labels):
    if set(np.unique(labels[:1000] if labels.ndim else labels)) <= {-1, 1}:
        return " Labels -1 and 1 become 0 and 1 with (y + 1) / 2."
    if labels.max() <= 1:
        return ""
    return " Class numbers go with sparse_categorical_crossentropy and an output with one unit a class."
