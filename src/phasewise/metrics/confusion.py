"""Metrics from counts of true and false positives and negatives at thresholds."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.losses.alignment import broadcast_rows, same_rank
from phasewise.metrics.metric import KIND, Metric
from phasewise.registry import register

_TINY = 1e-7


def counts(y_true, y_pred, thresholds, sample_weight=None, axes=None):
    """Weighted counts at each threshold.

    Args:
        y_true, y_pred: labels (0 or 1) and scores, of one shape.
        thresholds: (t,).
        axes: the axes to sum over; all by default.

    Returns:
        dict of "tp", "fp", "tn", "fn" -> (t,) or (t, labels).
    """
    y_true, y_pred = same_rank(jnp.asarray(y_true, jnp.float32), jnp.asarray(y_pred, jnp.float32))
    weight = jnp.ones_like(y_pred)
    if sample_weight is not None:
        weight = jnp.broadcast_to(broadcast_rows(jnp.asarray(sample_weight, jnp.float32), y_pred), y_pred.shape)
    axes = axes or tuple(range(y_pred.ndim))
    shape = (-1,) + (1,) * y_pred.ndim
    positive = (y_pred[None] > thresholds.reshape(shape)).astype(jnp.float32)
    label = y_true.astype(bool).astype(jnp.float32)
    over = tuple(a + 1 for a in axes)
    tp = (positive * (label * weight)[None]).sum(over)
    fp = (positive * ((1 - label) * weight)[None]).sum(over)
    positives, negatives = (label * weight).sum(axes), ((1 - label) * weight).sum(axes)
    return {"tp": tp, "fp": fp, "tn": negatives - fp, "fn": positives - tp}


class _Counting(Metric):
    """Accumulates some of the four counts at thresholds."""

    kept = ()

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(dtype, name)
        self._given = thresholds
        self.top_k, self.class_id = top_k, class_id
        if thresholds is None:
            thresholds = 0.5 if top_k is None else -np.inf
        self.thresholds = [float(t) for t in np.atleast_1d(thresholds)]
        if any(not 0 <= t <= 1 for t in self.thresholds if np.isfinite(t)):
            raise ValueError(f"{type(self).__name__}'s thresholds are in [0, 1]; got {self._given!r}.")
        for kind in self.kept:
            setattr(self, kind, self.add_variable((len(self.thresholds),), name=kind))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take one batch into account."""
        y_true, y_pred = same_rank(jnp.asarray(y_true), jnp.asarray(y_pred))
        if self.top_k is not None:
            lowest = jax.lax.top_k(y_pred, self.top_k)[0][..., -1:]
            y_pred = jnp.where(y_pred >= lowest, y_pred, -jnp.inf)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        found = counts(y_true, y_pred, jnp.asarray(self.thresholds, jnp.float32), sample_weight)
        for kind in self.kept:
            getattr(self, kind).assign_add(found[kind])

    def _scalar(self, values):
        return values[0] if len(self.thresholds) == 1 else values

    def get_config(self):
        """Every argument."""
        config = {**super().get_config(), "thresholds": self._given}
        return config if len(self.kept) == 1 else {**config, "top_k": self.top_k, "class_id": self.class_id}


@register(KIND)
class Precision(_Counting):
    """True positives over all predicted positives; 0 when there are none.

    Args:
        thresholds: number or list in [0, 1]; 0.5 by default.
        top_k: take the `top_k` largest predictions of a row as its positives.
        class_id: look at this class only.
    """

    kept = ("tp", "fp")

    def __init__(self, thresholds=None, top_k=None, class_id=None, name="precision", dtype=None):
        super().__init__(thresholds, top_k, class_id, name, dtype)

    def result(self):
        """The value so far, one for each threshold."""
        return self._scalar(_ratio(self.tp.value, self.tp.value + self.fp.value))


@register(KIND)
class Recall(_Counting):
    """True positives over all real positives; 0 when there are none. Arguments as for `Precision`."""

    kept = ("tp", "fn")

    def __init__(self, thresholds=None, top_k=None, class_id=None, name="recall", dtype=None):
        super().__init__(thresholds, top_k, class_id, name, dtype)

    def result(self):
        """The value so far, one for each threshold."""
        return self._scalar(_ratio(self.tp.value, self.tp.value + self.fn.value))


def _count(class_name, kind, name):
    def __init__(self, thresholds=None, name=name, dtype=None):
        _Counting.__init__(self, thresholds, None, None, name, dtype)

    def result(self):
        """The count so far, one for each threshold."""
        return self._scalar(jnp.asarray(getattr(self, kind).value))

    body = {
        "kept": (kind,),
        "__init__": __init__,
        "result": result,
        "__doc__": f"Number of {name.replace('_', ' ')}, weighted, at each threshold.",
        "__module__": __name__,
    }
    return register(KIND)(type(class_name, (_Counting,), body))


TruePositives = _count("TruePositives", "tp", "true_positives")
FalsePositives = _count("FalsePositives", "fp", "false_positives")
TrueNegatives = _count("TrueNegatives", "tn", "true_negatives")
FalseNegatives = _count("FalseNegatives", "fn", "false_negatives")


@register(KIND)
class AUC(Metric):
    """Area under the ROC or precision-recall curve, from counts at thresholds.

    Args:
        num_thresholds: at least 2, evenly spaced over [0, 1].
        curve: "ROC" or "PR".
        summation_method: "interpolation" (Davis & Goadrich 2006 for PR), "minoring" or "majoring".
        thresholds: list in [0, 1] instead of `num_thresholds`; the ends are added.
        multi_label: one curve for each of `num_labels` labels, their areas averaged with `label_weights`.
        from_logits: whether predictions go through a sigmoid first.
    """

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name="auc",
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        super().__init__(dtype, name)
        if curve not in ("ROC", "PR"):
            raise ValueError(f"AUC's curve is 'ROC' or 'PR'; got {curve!r}.")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                f"AUC's summation_method is 'interpolation', 'minoring' or 'majoring'; got {summation_method!r}."
            )
        self._given = thresholds
        if thresholds is not None:
            inner = sorted(float(t) for t in thresholds)
        else:
            if num_thresholds <= 1:
                raise ValueError(f"AUC's num_thresholds must be at least 2; got {num_thresholds!r}.")
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        self.thresholds = np.asarray([-_TINY, *inner, 1 + _TINY], np.float32)
        self.num_thresholds = len(self.thresholds)
        self.curve, self.summation_method, self.from_logits = curve, summation_method, from_logits
        self.multi_label, self.num_labels, self.label_weights = multi_label, num_labels, label_weights
        if multi_label and num_labels is None:
            raise ValueError("AUC(multi_label=True) needs num_labels.")
        shape = (self.num_thresholds, num_labels) if multi_label else (self.num_thresholds,)
        for kind in ("tp", "fp", "tn", "fn"):
            setattr(self, kind, self.add_variable(shape, name=kind))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take one batch into account."""
        y_pred = jnp.asarray(y_pred, jnp.float32)
        if self.from_logits:
            y_pred = jax.nn.sigmoid(y_pred)
        axes = (0,) if self.multi_label else None
        found = counts(y_true, y_pred, jnp.asarray(self.thresholds), sample_weight, axes)
        for kind, value in found.items():
            getattr(self, kind).assign_add(value)

    def result(self):
        """The area so far."""
        tp, fp, tn, fn = (jnp.asarray(getattr(self, kind).value) for kind in ("tp", "fp", "tn", "fn"))
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_pr(tp, fp, fn)
        else:
            recall = _ratio(tp, tp + fn)
            x, y = (_ratio(fp, fp + tn), recall) if self.curve == "ROC" else (recall, _ratio(tp, tp + fp))
            low, high = jnp.minimum(y[:-1], y[1:]), jnp.maximum(y[:-1], y[1:])
            height = {"interpolation": (y[:-1] + y[1:]) / 2, "minoring": low, "majoring": high}[self.summation_method]
            areas = ((x[:-1] - x[1:]) * height).sum(0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return areas.mean()
        weights = jnp.asarray(self.label_weights, jnp.float32)
        return _ratio((areas * weights).sum(), weights.sum())

    def get_config(self):
        """Every argument."""
        names = (
            "curve",
            "summation_method",
            "multi_label",
            "num_labels",
            "label_weights",
            "from_logits",
            "num_thresholds",
        )
        return {**super().get_config(), **{n: getattr(self, n) for n in names}, "thresholds": self._given}


def _interpolated_pr(tp, fp, fn):
    """The precision-recall area with true positives interpolated linearly between thresholds (Davis & Goadrich 2006)."""
    d_tp = tp[:-1] - tp[1:]
    p = tp + fp
    slope = _ratio(d_tp, jnp.maximum(p[:-1] - p[1:], 0))
    intercept = tp[1:] - slope * p[1:]
    both = (p[:-1] > 0) & (p[1:] > 0)
    relative = jnp.where(both, _ratio(p[:-1], jnp.maximum(p[1:], 0)), jnp.ones_like(p[1:]))
    return _ratio(slope * (d_tp + intercept * jnp.log(relative)), jnp.maximum(tp[1:] + fn[1:], 0)).sum(0)


def _ratio(a, b):
    return jnp.where(b == 0, 0.0, a / jnp.where(b == 0, 1.0, b))
