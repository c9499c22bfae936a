"""The coefficient of determination."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import one_of, register
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.kernels.co_moments import CoMoments, co_moments, merged
from phasewise.losses.alignment import broadcast_rows, paired
from phasewise.losses.given_values import is_known
from phasewise.metrics.metric import KIND, Metric

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")
_OF_LABELS = ("count", "shift", "offset", "squares")


@register(KIND)
class R2Score(Metric):
    """1 - sum((y_true - y_pred)²) / sum((y_true - mean)²) over all rows, for each target; 1 is the best, 0 that of the mean.

    Squares of deviations are gathered batch by batch, so that no digits are lost however far from zero the labels are. Keras
    subtracts the square of the sum from the sum of the squares, which for labels around 1e4 with a spread of 1 loses them all.
    Constant labels give 1 where the predictions are right and else 0, as in scikit-learn; in Keras NaN and 0.

    Args:
        class_aggregation: "uniform_average", the mean over the targets; "variance_weighted_average", weighted by the variance of each;
            or None, one value for each.
        num_regressors: at least 0. Above 0 the score is adjusted to the number of inputs: 1 - (1 - R²) (n - 1) / (n - p - 1) of n rows
            that weigh anything, where n > p + 1; else it stays as it is. (Keras takes the number of rows times targets for n.)

    Raises:
        ValueError: an argument is none of these; in the first batch, labels and predictions are not (rows, targets).
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(dtype, name)
        self.class_aggregation = one_of("R2Score", "class_aggregation", class_aggregation, _AGGREGATIONS)
        if num_regressors < 0:
            raise ValueError(f"R2Score's num_regressors is at least 0; got {num_regressors!r}.")
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._gathered = None

    def prepare(self, y_true: Any, y_pred: Any) -> None:
        """Make the accumulators, one for each target."""
        self._make(y_true.shape, y_pred.shape)

    def _make(self, labels, predictions):
        if len(predictions) != 2 or tuple(labels) != tuple(predictions):
            raise ValueError(
                "R2Score takes labels and predictions of one shape, (rows, targets); got labels of shape "
                f"{tuple(labels)} and predictions of shape {tuple(predictions)}."
            )
        if self._gathered is None:
            targets = predictions[1]
            shapes = ((targets,), (1, targets), (1, targets), (1, 1, targets))
            self._gathered = [self.add_variable(shape, "zeros", name=name) for shape, name in zip(shapes, _OF_LABELS)]
            self.residual = self.add_variable((targets,), "zeros", name="residual")

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account, (rows, targets); weights (rows,), (rows, 1) or (rows, targets)."""
        y_true, y_pred = paired(y_true, y_pred)
        self._make(y_true.shape, y_pred.shape)
        weight = jnp.float32(1) if sample_weight is None else jnp.asarray(sample_weight).astype(jnp.float32)
        weight = jnp.broadcast_to(broadcast_rows(weight, y_pred), y_pred.shape)
        batch = co_moments(y_true[None], weight, (0,))
        for held, value in zip(self._gathered, merged(CoMoments(*(v.value for v in self._gathered)), batch)):
            held.assign(value)
        self.residual.assign_add(jnp.where(weight != 0, weight * jnp.square(y_true - y_pred), 0).sum(0))
        self.num_samples.assign_add((weight != 0).any(1).sum().astype(jnp.float32))

    def result(self) -> Array:
        """The score so far; 0 of nothing."""
        if self._gathered is None:
            return jnp.float32(0) if self.class_aggregation else jnp.zeros((1,))
        count, residual = (jnp.asarray(each.value) for each in (self._gathered[0], self.residual))
        squares = jnp.asarray(self._gathered[3].value)[0, 0]
        scores = jnp.where(squares == 0, jnp.float32(residual == 0), 1 - residual / jnp.where(squares == 0, 1, squares))
        scores = jnp.where(count == 0, 0, scores)
        if self.class_aggregation == "uniform_average":
            scores = scores.mean()
        elif self.class_aggregation == "variance_weighted_average":
            total = squares.sum()
            weighted = (squares * scores).sum() / jnp.where(total == 0, 1, total)
            scores = jnp.where(total == 0, scores.mean(), weighted)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores):
        rows = jnp.asarray(self.num_samples.value)
        freedom = rows - self.num_regressors - 1
        if is_known(rows) and rows > 0 and freedom <= 0:
            warn(
                f"R2Score(num_regressors={self.num_regressors}) of {np.asarray(rows):g} rows cannot be adjusted, which takes at least "
                f"{self.num_regressors + 2}: it is the score as it is.",
                PhasewiseWarning,
            )
        return jnp.where(freedom > 0, 1 - (1 - scores) * (rows - 1) / jnp.where(freedom > 0, freedom, 1), scores)

    def get_config(self) -> Config:
        """Every argument."""
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
