"""Circle loss: rows of one class are to be near to one another, and far from those of others."""

import jax
import jax.numpy as jnp

from phasewise.core.keywords import told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike
from phasewise.losses.alignment import as_float
from phasewise.losses.functions import KIND


@register(KIND)
@told
def circle(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    ref_labels: ArrayLike | None = None,
    ref_embeddings: ArrayLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Array:
    """softplus(logsumexp over rows of the same class + logsumexp over rows of others) of weighted distances (Sun et al. 2020, equation 6).

    With the distance d = max(1 - cosine, 0), a row of the same class enters with gamma (margin + d) (d - margin), one of another
    class with gamma max(1 + margin - d, 0) (1 - margin - d).

    Scale: one value a row, at least 0, which grows with `gamma` (80 gives values of tens) and slowly with the number of rows that
    it is compared with. A row without another of its class, or without one of another class, has 0; such rows are left out of the
    mean, as in Keras. What the loss of a row is depends on the batch.

    Args:
        y_true: class numbers, (rows,) or (rows, 1).
        y_pred: embeddings (rows, features) of length 1: end in `UnitNormalization`.
        ref_labels, ref_embeddings: what rows are compared with; the rows themselves by default.
        remove_diagonal: whether row i is not compared with number i.
        gamma: scale, above 0.
        margin: how far from the best a distance may be before it counts little.

    What a mask leaves out is compared with nothing; in Keras it is.

    Raises:
        ValueError: the labels are not one a row.
    """
    return compared(y_true, y_pred, ref_labels, ref_embeddings, remove_diagonal, gamma, margin)


def compared(y_true, y_pred, ref_labels, ref_embeddings, remove_diagonal, gamma, margin, present=None):
    """As `circle`; rows where `present`, boolean (rows,), is False are compared with nothing."""
    y_pred = as_float(y_pred)
    labels = _one_a_row(y_true, y_pred)
    others = y_pred if ref_embeddings is None else as_float(ref_embeddings)
    theirs = labels if ref_labels is None else _one_a_row(ref_labels, others)
    distance = jnp.maximum(1 - y_pred @ others.T, 0)
    same = labels[:, None] == theirs[None, :]
    different = ~same
    if remove_diagonal:
        same &= ~jnp.eye(*same.shape, dtype=bool)
    if present is not None and ref_embeddings is None:
        same, different = same & present, different & present
    near = gamma * jnp.maximum(margin + distance, 0) * (distance - margin)
    far = gamma * jnp.maximum(1 + margin - distance, 0) * (1 - margin - distance)
    return jax.nn.softplus(_log_sum(near, same) + _log_sum(far, different))


def _log_sum(values, where):
    return jax.nn.logsumexp(jnp.where(where, values, -jnp.inf), axis=1)


def _one_a_row(y_true, y_pred):
    labels = jnp.asarray(y_true)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if y_pred.ndim != 2 or labels.shape != y_pred.shape[:1]:
        raise ValueError(
            "circle takes one class number a row and embeddings (rows, features); got labels of shape "
            f"{jnp.shape(y_true)} and predictions of shape {y_pred.shape}."
        )
    return labels.astype(jnp.int32)
