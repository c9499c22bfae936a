"""Watching one logged value: which way is better, and what to say when it is not there."""

import functools
import math
import operator
import re

import numpy as np

from phasewise.callbacks.callback import Callback, Logs
from phasewise.core.registry import nearest, snake_case
from phasewise.core.warning import PhasewiseWarning, warn

_RISING = re.compile(
    r"(^|_)(acc|accuracy|auc|precision|recall|sensitivity|specificity|f1|f1_score|f_?beta_score|io_?u|r2|r2_score"
    r"|cosine_similarity|correlation|true_positives|true_negatives|dice|hits|mrr|ndcg|map)(_at_\w+)?(_\d+)?$"
)
_FALLING = re.compile(
    r"(^|_)(loss|error|mse|mae|rmse|mape|msle|crossentropy|bce|ce|divergence|kld|hinge|poisson|log_cosh|logcosh|huber"
    r"|perplexity|false_positives|false_negatives)(_\d+)?$"
)


class MetricMonitor(Callback):
    """What callbacks that watch one logged value share.

    Args:
        monitor: the name in `logs`.
        mode: "min", "max", or "auto", which goes by the metric and, unlike Keras, by its name where the metric does
            not say ("val_recall_1" rises, "head_loss" falls).
        min_delta: a smaller change than this is none.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float):
        if mode not in ("auto", "min", "max"):
            warn(
                f"{type(self).__name__} got the unknown mode {mode!r} and uses 'auto'. Modes: 'auto', 'min', 'max'.",
                PhasewiseWarning,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = None

    def monitored(self, logs: Logs | None) -> float | None:
        """The value in `logs`; None, with a warning, where it is not there.

        Raises:
            ValueError: it is an array.
        """
        value = (logs or {}).get(self.monitor)
        if value is None:
            near = nearest(self.monitor, list(logs or {}))
            hint = f" Did you mean {near!r}?" if near else ""
            if not near and self.monitor.startswith("val_"):
                hint = " Values that begin with 'val_' need validation data in fit."
            warn(
                f"{type(self).__name__} monitors {self.monitor!r}, which is not available.{hint} "
                f"Available: {', '.join(logs or {}) or 'nothing'}.",
                PhasewiseWarning,
            )
        if np.ndim(value):
            raise ValueError(
                f"{type(self).__name__} monitors {self.monitor!r}, which is an array of shape {np.shape(value)}, and watches one number. "
                "F1Score and FBetaScore give one with average='macro', R2Score with class_aggregation='uniform_average'."
            )
        return value

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """Whether `value` is better than `reference` by more than `min_delta`. NaN never is (in Keras the first is)."""
        rises = self.rises()
        if math.isnan(value):
            return False
        if reference is None:
            return True
        if rises:
            return operator.gt(value - self.min_delta, reference)
        return operator.lt(value + self.min_delta, reference)

    def rises(self) -> bool:
        """Whether more is better.

        Raises:
            ValueError: `mode` is "auto", and neither the metric's class nor its name tells.
        """
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        named = [metric for metric in getattr(self.model, "metrics", None) or () if metric.name == name]
        for known in (*(snake_case(type(metric).__name__) for metric in named), name):
            if (told := _rises_by_name(known)) is not None:
                return told
        raise ValueError(
            f"{type(self).__name__} cannot tell whether {self.monitor!r} should rise or fall. "
            "Give mode='max' if more is better, mode='min' if less is."
        )


@functools.lru_cache(maxsize=256)
def _rises_by_name(name):
    """Whether more is better of what is called so; None where the name does not tell."""
    if _FALLING.search(name):
        return False
    return True if _RISING.search(name) else None
