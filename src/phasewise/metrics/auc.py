"""AUC: the area under a curve that is drawn through thresholds."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import one_of, register
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike
from phasewise.losses.alignment import as_float, broadcast_rows, ratio, same_rank
from phasewise.losses.given_values import check_between_0_and_1, notice_scores
from phasewise.metrics.confusion import COUNTS, counts
from phasewise.metrics.metric import KIND, Metric

_TINY = 1e-7  # the first threshold is below 0 and the last above 1 by this much, so that both ends of a curve are there


@register(KIND)
class AUC(Metric):
    """Area under the ROC, precision-recall or precision-recall-gain curve, from counts at thresholds.

    Args:
        num_thresholds: at least 2, evenly spaced over [0, 1].
        curve: "ROC", "PR" or "PRGAIN" (Flach & Kull 2015).
        summation_method: "interpolation" (Davis & Goadrich 2006 for PR), "minoring" or "majoring".
        thresholds: list in [0, 1] instead of `num_thresholds`; the ends are added.
        multi_label: one curve for each label, their areas averaged with `label_weights`.
        num_labels: with `multi_label`; else the first batch tells.
        label_weights: list, one a label; without `multi_label` it weighs the columns of the predictions.
        from_logits: whether predictions go through a sigmoid first.

    Raises:
        ValueError: an argument is none of these, or `num_labels` comes without `multi_label`.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype, name)
        self.curve = one_of("AUC", "curve", str(curve).upper(), _CURVES)
        self.summation_method = one_of("AUC", "summation_method", str(summation_method).lower(), _HEIGHTS)
        self._given = None if thresholds is None else sorted(float(t) for t in thresholds)
        self.thresholds = [-_TINY, *_inner_thresholds(num_thresholds, self._given), 1 + _TINY]
        self.num_thresholds = len(self.thresholds)
        if num_labels and not multi_label:
            raise ValueError(f"AUC takes num_labels with multi_label=True only; got num_labels={num_labels!r}.")
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else [float(w) for w in label_weights]
        if num_labels or not multi_label:
            self._make_counts(num_labels)

    def _make_counts(self, labels):
        shape = (self.num_thresholds, labels) if self.multi_label else (self.num_thresholds,)
        for kind in COUNTS:
            setattr(self, kind, self.add_variable(shape, "zeros", name=kind))

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account: labels of 0 and 1 and scores, (rows, ...), or (rows, labels) with `multi_label`.

        Raises:
            ValueError: `multi_label` and the predictions are not (rows, labels), the shapes differ, or a label whose value is known
                is not in [0, 1].

        Scores outside of [0, 1] lie beyond all thresholds: they are told where their values are known, and the area is then coarse.
        """
        y_true, y_pred = same_rank(jnp.asarray(y_true), as_float(y_pred))
        if self.multi_label and y_pred.ndim != 2:
            raise ValueError(f"AUC(multi_label=True) needs predictions (rows, labels); got shape {y_pred.shape}.")
        if not self.variables:
            self._make_counts(y_pred.shape[1])
        check_between_0_and_1("AUC", y_true, is_binary=True)
        if self.from_logits:
            y_pred = jax.nn.sigmoid(y_pred)
        else:
            notice_scores("AUC", y_pred, "AUC(from_logits=True); other scores are brought to [0, 1] first")
        if self.label_weights is not None and not self.multi_label:
            sample_weight = self._times_label_weights(sample_weight, y_pred)
        # Both ends of a curve are there, whatever the scores are.
        thresholds = [-np.inf, *self.thresholds[1:-1], np.inf]
        found = counts(y_true, y_pred, thresholds, sample_weight, (0,) if self.multi_label else None)
        for kind, value in found.items():
            getattr(self, kind).assign_add(value)

    def _times_label_weights(self, sample_weight, y_pred):
        columns = jnp.broadcast_to(jnp.asarray(self.label_weights, jnp.float32), y_pred.shape)
        return columns if sample_weight is None else columns * broadcast_rows(sample_weight, y_pred)

    def result(self) -> Array:
        """The area so far; 0 of nothing."""
        if not self.variables:
            return jnp.float32(0)
        found = {kind: jnp.asarray(getattr(self, kind).value) for kind in COUNTS}
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_pr(**found)
        else:
            x, y = _CURVES[self.curve](**found)
            areas = ((x[:-1] - x[1:]) * _HEIGHTS[self.summation_method](y[:-1], y[1:])).sum(0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return areas.mean()
        weights = jnp.asarray(self.label_weights, jnp.float32)
        return ratio((areas * weights).sum(), weights.sum())

    def get_config(self) -> Config:
        """Every argument."""
        config = super().get_config()
        for name in ("num_thresholds", "curve", "summation_method", "multi_label", "num_labels", "label_weights"):
            config[name] = getattr(self, name)
        config["from_logits"] = self.from_logits
        return config if self._given is None else {**config, "thresholds": self._given}


def _roc(true_positives, false_positives, true_negatives, false_negatives):
    return (
        ratio(false_positives, false_positives + true_negatives),
        ratio(true_positives, true_positives + false_negatives),
    )


def _pr(true_positives, false_positives, true_negatives, false_negatives):
    return (
        ratio(true_positives, true_positives + false_negatives),
        ratio(true_positives, true_positives + false_positives),
    )


def _pr_gain(true_positives, false_positives, true_negatives, false_negatives):
    """Recall and precision on the scale where always-positive is 0 and perfect is 1 (Flach & Kull 2015)."""
    odds = ratio(true_positives + false_negatives, true_negatives + false_positives)
    none = true_positives == 0
    recall = jnp.where(none, 0.0, 1 - odds * ratio(false_negatives, true_positives))
    precision = jnp.where(none, 1.0, 1 - odds * ratio(false_positives, true_positives))
    return jnp.maximum(recall, 0), precision


_CURVES = {"ROC": _roc, "PR": _pr, "PRGAIN": _pr_gain}
_HEIGHTS = {"interpolation": lambda a, b: (a + b) / 2, "minoring": jnp.minimum, "majoring": jnp.maximum}


def _interpolated_pr(true_positives, false_positives, true_negatives, false_negatives):
    """The precision-recall area, true positives linear between thresholds (Davis & Goadrich 2006)."""
    gained = true_positives[:-1] - true_positives[1:]
    positives = true_positives + false_positives
    slope = ratio(gained, jnp.maximum(positives[:-1] - positives[1:], 0))
    intercept = true_positives[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    relative = jnp.where(both, ratio(positives[:-1], jnp.maximum(positives[1:], 0)), 1.0)
    real = jnp.maximum(true_positives[1:] + false_negatives[1:], 0)
    return ratio(slope * (gained + intercept * jnp.log(relative)), real).sum(0)


def _inner_thresholds(number, given):
    if given is not None:
        if any(not 0 <= t <= 1 for t in given):
            raise ValueError(f"AUC's thresholds are in [0, 1]; got {given!r}.")
        return given
    if number <= 1:
        raise ValueError(f"AUC's num_thresholds must be at least 2; got {number!r}.")
    return [float(t) for t in np.arange(1, number - 1) / (number - 1)]
