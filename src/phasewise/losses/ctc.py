"""CTC: labels in order, at places that nobody has marked."""

import jax.numpy as jnp
import numpy as np

from phasewise.core.keywords import told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike
from phasewise.losses.alignment import as_float
from phasewise.losses.crossentropy import scores
from phasewise.losses.functions import KIND
from phasewise.losses.given_values import check_classes, is_known, row

BLANK = 0


@register(KIND)
@told
def ctc(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """-log of the probability of all alignments that spell the labels (Graves et al. 2006), with class 0 as the blank.

    Scale: one value a row, in nats, summed over the time steps, not their mean: longer sequences cost more. Where the labels do not
    fit into the time steps (one each, and one more between equal neighbours) it is some 1e5, as in Keras.

    Args:
        y_true: class numbers (rows, labels) from 1 on, each row filled up with 0 at its end.
        y_pred: logits (rows, time, classes), not probabilities.

    A mask (rows, time) says which time steps there are; in Keras all are.

    Raises:
        ValueError: the shapes are others, or a label whose value is known is no class, or a 0 stands before a label.
    """
    return aligned(y_true, y_pred)


def aligned(y_true, y_pred, present=None):
    """As `ctc`; time steps where `present`, boolean (rows, time), is False are left out."""
    import optax  # here: it takes a quarter of a second, and few need it

    y_pred = as_float(y_pred)
    check_shapes(np.shape(y_true), y_pred.shape)
    check_sequences(y_true, y_pred.shape[-1])
    y_pred, _ = scores("ctc", y_pred, True, -1)
    labels = jnp.asarray(y_true).astype(jnp.int32)
    absent = jnp.zeros(y_pred.shape[:2]) if present is None else 1 - jnp.asarray(present).astype(jnp.float32)
    if present is not None:
        y_pred = jnp.where(present[..., None], y_pred, 0)
    return optax.ctc_loss(y_pred, absent, labels, (labels == BLANK).astype(jnp.float32), blank_id=BLANK)


def check_shapes(labels, predictions, output="predictions"):
    """Raises ValueError unless labels are (rows, labels) and predictions (rows, time, classes)."""
    if len(labels) != 2 or len(predictions) != 3 or labels[0] != predictions[0]:
        raise ValueError(
            f"ctc takes class numbers (rows, labels) and logits (rows, time, classes); got labels of shape {tuple(labels)} and "
            f"{output} of shape {tuple(predictions)}."
        )


def check_sequences(labels, classes, *, of="", locate=row):
    """Raises ValueError when a label is no class, or a blank stands before a label; traced labels are not looked at."""
    check_classes("ctc", labels, classes, of=of, locate=locate)
    if not is_known(labels) or not np.size(labels):
        return
    is_label = np.asarray(labels) != BLANK
    gaps = (~is_label[:, :-1] & is_label[:, 1:]).any(1)
    if gaps.any():
        raise ValueError(
            f"The labels{of} of {locate(gaps.argmax())} have a 0 before a label: 0 is the blank of ctc, and only fills up the end. "
            "Class numbers begin at 1."
        )
