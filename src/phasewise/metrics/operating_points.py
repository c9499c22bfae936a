"""The best of one rate where another is high enough, over thresholds."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike
from phasewise.losses.alignment import ratio, same_rank
from phasewise.losses.given_values import check_between_0_and_1, notice_scores
from phasewise.metrics.confusion import COUNTS, counts
from phasewise.metrics.metric import KIND, Metric


def _recall(found):
    return ratio(found["true_positives"], found["true_positives"] + found["false_negatives"])


def _precision(found):
    return ratio(found["true_positives"], found["true_positives"] + found["false_positives"])


def _specificity(found):
    return ratio(found["true_negatives"], found["true_negatives"] + found["false_positives"])


class AtOperatingPoint(Metric):
    """Counts at thresholds that are evenly spaced over [0, 1], both ends among them."""

    required = ""
    rates: tuple[Callable, Callable]

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(dtype, name)
        own = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{own}'s {self.required} is in [0, 1]; got {value!r}.")
        if num_thresholds < 1:
            raise ValueError(f"{own}'s num_thresholds is at least 1; got {num_thresholds!r}.")
        setattr(self, self.required, value)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        self.thresholds = [0.5] if num_thresholds == 1 else np.linspace(0, 1, num_thresholds).tolist()
        for kind in COUNTS:
            setattr(self, kind, self.add_variable((num_thresholds,), "zeros", name=kind))

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account: labels (rows, ...) of 0 and 1, probabilities of the same shape.

        Raises:
            ValueError: the shapes differ, there is no class `class_id`, or a label whose value is known is not in [0, 1].
        """
        y_true, y_pred = same_rank(jnp.asarray(y_true), jnp.asarray(y_pred))
        name = type(self).__name__
        check_between_0_and_1(name, y_true, is_binary=True)
        notice_scores(name, y_pred, "end in a sigmoid")
        if self.class_id is not None:
            if y_pred.ndim == 1 or not 0 <= self.class_id < y_pred.shape[-1] or y_true.shape != y_pred.shape:
                raise ValueError(
                    f"{name}(class_id={self.class_id}) needs labels and predictions (rows, classes) that have the class; got "
                    f"{y_true.shape} and {y_pred.shape}."
                )
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        # At one end all are positives and at the other none, whatever the scores are.
        ends = self.thresholds if self.num_thresholds == 1 else [-np.inf, *self.thresholds[1:-1], np.inf]
        for kind, value in counts(y_true, y_pred, ends, sample_weight).items():
            getattr(self, kind).assign_add(value)

    def result(self) -> Array:
        """The best value so far; 0 where no threshold goes with what is required."""
        found = {kind: jnp.asarray(getattr(self, kind).value) for kind in COUNTS}
        required, best = (rate(found) for rate in self.rates)
        return jnp.where(required >= self.value, best, 0).max()

    def get_config(self) -> Config:
        """Every argument."""
        own = {self.required: self.value, "num_thresholds": self.num_thresholds, "class_id": self.class_id}
        return {**super().get_config(), **own}


_DOC = """The best {best}, over thresholds, where the {required} is at least that given; 0 where it never is.

Recall and sensitivity are tp / (tp + fn), precision is tp / (tp + fp), specificity tn / (tn + fp).

Args:
    {required}: in [0, 1].
    num_thresholds: at least 1, evenly spaced over [0, 1]; one is 0.5.
    class_id: look at this class only; None: at all entries.

Raises:
    ValueError: an argument is none of these.
"""


@register(KIND)
class SensitivityAtSpecificity(AtOperatingPoint):
    __doc__ = _DOC.format(best="sensitivity", required="specificity")
    required, rates = "specificity", (_specificity, _recall)

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


@register(KIND)
class SpecificityAtSensitivity(AtOperatingPoint):
    __doc__ = _DOC.format(best="specificity", required="sensitivity")
    required, rates = "sensitivity", (_recall, _specificity)

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


@register(KIND)
class PrecisionAtRecall(AtOperatingPoint):
    __doc__ = _DOC.format(best="precision", required="recall")
    required, rates = "recall", (_recall, _precision)

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


@register(KIND)
class RecallAtPrecision(AtOperatingPoint):
    __doc__ = _DOC.format(best="recall", required="precision")
    required, rates = "precision", (_precision, _recall)

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
