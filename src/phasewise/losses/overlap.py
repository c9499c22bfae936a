"""Losses of how far two regions fail to overlap: of whole images, or of whole batches."""

from collections.abc import Sequence

import jax.numpy as jnp

from phasewise.core.defaults import epsilon
from phasewise.core.keywords import told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike
from phasewise.losses.alignment import paired
from phasewise.losses.functions import KIND
from phasewise.losses.given_values import check_between_0_and_1, notice_scores

_REMEDY = "end in a sigmoid or softmax"


@register(KIND)
@told
def dice(y_true: ArrayLike, y_pred: ArrayLike, axis: int | Sequence[int] | None = None) -> Array:
    """1 - 2 sum(y p) / (sum(y) + sum(p) + 1e-7), the sums over `axis` (Milletari et al. 2016, with p in place of p²).

    Scale: from 0 to 1, whatever the number of rows, pixels and classes: one value for the whole batch by default, one a row with
    `axis` of all axes but the first. Where labels and predictions are 0 everywhere it is 1, as in Keras; of no
    rows it is 0.

    Args:
        y_true: labels in [0, 1], shaped as the predictions.
        y_pred: probabilities, such as (rows, height, width, classes).
        axis: int or tuple of the axes that are one region; None is all of them, the rows too, so that the value of a batch is not
            the mean of the values of its rows. Sample weights then multiply the one value, as in Keras, and weigh no row against
            another.

    What a mask leaves out belongs to no region; in Keras it counts.

    Raises:
        ValueError: the shapes differ, or a label whose value is known is not in [0, 1].
    """
    y_true, y_pred = _regions("dice", y_true, y_pred)
    if not y_true.size:  # no rows cost nothing
        return y_true.sum(axis)
    return 1 - 2 * (y_true * y_pred).sum(axis) / (y_true.sum(axis) + y_pred.sum(axis) + epsilon())


@register(KIND)
@told
def tversky(
    y_true: ArrayLike, y_pred: ArrayLike, alpha: float = 0.5, beta: float = 0.5, axis: int | Sequence[int] | None = None
) -> Array:
    """1 - sum(y p) / (sum(y p) + alpha sum(y (1 - p)) + beta sum((1 - y) p) + 1e-7), the sums over `axis` (Salehi et al. 2017).

    Scale: from 0 to 1, as `dice`, which it is with both at 1/2.

    Args:
        y_true, y_pred, axis: as for `dice`.
        alpha: of at least 0; what was missed (false negatives) costs. Keras computes the same, and calls these false positives.
        beta: of at least 0; what was found wrongly (false positives) costs.

    Raises:
        ValueError: the shapes differ, or a label whose value is known is not in [0, 1].
    """
    y_true, y_pred = _regions("tversky", y_true, y_pred)
    if not y_true.size:  # no rows cost nothing
        return y_true.sum(axis)
    both, missed, wrong = (part.sum(axis) for part in (y_true * y_pred, y_true * (1 - y_pred), (1 - y_true) * y_pred))
    return 1 - both / (both + alpha * missed + beta * wrong + epsilon())


def _regions(name, y_true, y_pred):
    shapes = f"labels of shape {jnp.shape(y_true)} and predictions of shape {jnp.shape(y_pred)}"
    y_true, y_pred = paired(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{name} takes labels and predictions of one shape; got {shapes}. Class numbers become one-hot first."
        )
    check_between_0_and_1(name, y_true)
    notice_scores(name, y_pred, _REMEDY)
    return y_true, y_pred
