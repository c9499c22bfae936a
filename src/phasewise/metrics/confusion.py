"""Metrics from counts of true and false positives and negatives at thresholds."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike
from phasewise.losses.alignment import broadcast_rows, ratio, same_rank
from phasewise.losses.given_values import check_between_0_and_1, notice_scores
from phasewise.metrics.metric import KIND, Metric

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def counts(y_true, y_pred, thresholds, sample_weight=None, axes=None):
    """Weighted counts at each threshold: a prediction is positive where it is above.

    Args:
        y_true, y_pred: labels (0 or 1) and scores, of one shape.
        thresholds: (t,).
        sample_weight: array that broadcasts from the left, or None.
        axes: tuple of the axes to sum over; all by default.

    Returns:
        dict of the names in `COUNTS` -> (t,) or (t, labels).

    Raises:
        ValueError: the shapes differ.
    """
    shapes = f"labels of shape {jnp.shape(y_true)} and predictions of shape {jnp.shape(y_pred)}"
    y_true, y_pred = same_rank(jnp.asarray(y_true, jnp.float32), jnp.asarray(y_pred, jnp.float32))
    if y_true.shape != y_pred.shape:
        raise ValueError(f"Positives are counted from labels and predictions of one shape; got {shapes}.")
    weight = jnp.ones_like(y_pred)
    if sample_weight is not None:
        weight = jnp.broadcast_to(broadcast_rows(jnp.asarray(sample_weight, jnp.float32), y_pred), y_pred.shape)
    return _counts(y_true.astype(bool), y_pred, weight, jnp.asarray(thresholds, jnp.float32), axes)


@partial(jax.jit, static_argnames="axes")
def _counts(label, y_pred, weight, thresholds, axes):
    """As `counts`; compiled by itself too, so that (t, rows) is never laid out in memory."""
    axes = tuple(range(y_pred.ndim)) if axes is None else axes
    positive = y_pred > thresholds.reshape((-1,) + (1,) * y_pred.ndim)
    sums = {
        "true_positives": positive & label,
        "false_positives": positive & ~label,
        "true_negatives": ~positive & ~label,
        "false_negatives": ~positive & label,
    }
    over = tuple(a + 1 for a in axes)
    return {name: jnp.where(where, weight, 0).sum(over) for name, where in sums.items()}


class AtThresholds(Metric):
    """Accumulates the counts named in `kept`, at thresholds."""

    kept = ()

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(dtype, name)
        self._given = thresholds
        self.top_k, self.class_id = top_k, class_id
        if thresholds is None:
            thresholds = 0.5 if top_k is None else -np.inf
        elif any(t is None or not 0 <= t <= 1 for t in np.atleast_1d(thresholds)):
            raise ValueError(f"{type(self).__name__}'s thresholds are in [0, 1]; got {thresholds!r}.")
        self.thresholds = [float(t) for t in np.atleast_1d(thresholds)]
        for kind in self.kept:
            setattr(self, kind, self.add_variable((len(self.thresholds),), "zeros", name=kind))

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account: labels (rows, ...) of 0 and 1, scores of the same shape.

        Raises:
            ValueError: the shapes differ, or a label whose value is known is not in [0, 1].
        """
        y_true, y_pred = same_rank(jnp.asarray(y_true), jnp.asarray(y_pred))
        name = type(self).__name__
        check_between_0_and_1(name, y_true, is_binary=True)
        if min(self.thresholds) > 0:
            notice_scores(name, y_pred, f"{name}(thresholds=0), since a probability of 0.5 is a logit of 0")
        if self.top_k is not None:
            y_pred = _largest(y_pred, self.top_k)
        if self.class_id is not None:
            if y_pred.ndim == 1 or not -y_pred.shape[-1] <= self.class_id < y_pred.shape[-1]:
                name = f"{type(self).__name__}(class_id={self.class_id})"
                raise ValueError(f"{name} needs predictions (rows, classes) that have the class; got {y_pred.shape}.")
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        found = counts(y_true, y_pred, self.thresholds, sample_weight)
        for kind in self.kept:
            getattr(self, kind).assign_add(found[kind])

    def _one_or_all(self, values):
        return values[0] if len(self.thresholds) == 1 else values

    def get_config(self) -> Config:
        """Every argument."""
        config = {**super().get_config(), "thresholds": self._given}
        return config if len(self.kept) == 1 else {**config, "top_k": self.top_k, "class_id": self.class_id}


@register(KIND)
class Precision(AtThresholds):
    """True positives over all predicted positives; 0 when there are none.

    Args:
        thresholds: number or list in [0, 1]; 0.5 by default.
        top_k: take the `top_k` largest predictions of a row as its positives.
        class_id: look at this class only.
    """

    kept = ("true_positives", "false_positives")

    def result(self) -> Array:
        """The value so far, one for each threshold."""
        true, false = jnp.asarray(self.true_positives.value), jnp.asarray(self.false_positives.value)
        return self._one_or_all(ratio(true, true + false))


@register(KIND)
class Recall(AtThresholds):
    """True positives over all real positives; 0 when there are none. Arguments as for `Precision`."""

    kept = ("true_positives", "false_negatives")

    def result(self) -> Array:
        """The value so far, one for each threshold."""
        found, missed = jnp.asarray(self.true_positives.value), jnp.asarray(self.false_negatives.value)
        return self._one_or_all(ratio(found, found + missed))


def _count(class_name, kind) -> type[AtThresholds]:
    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        AtThresholds.__init__(self, thresholds, None, None, name, dtype)

    def result(self) -> Array:
        """The count so far, one for each threshold."""
        return self._one_or_all(jnp.asarray(getattr(self, kind).value))

    body = {
        "kept": (kind,),
        "__init__": __init__,
        "result": result,
        "__doc__": f"Number of {kind.replace('_', ' ')}, weighted, at each threshold.",
        "__module__": __name__,
    }
    return register(KIND)(type(class_name, (AtThresholds,), body))


TruePositives = _count("TruePositives", "true_positives")
FalsePositives = _count("FalsePositives", "false_positives")
TrueNegatives = _count("TrueNegatives", "true_negatives")
FalseNegatives = _count("FalseNegatives", "false_negatives")


def _largest(y_pred, k):
    """`y_pred` with all but the `k` largest of each row at -inf; of equal ones the first count."""
    places = jax.lax.top_k(y_pred, k)[1]
    chosen = jax.nn.one_hot(places, y_pred.shape[-1], dtype=bool).any(-2)
    return jnp.where(chosen, y_pred, -jnp.inf)
