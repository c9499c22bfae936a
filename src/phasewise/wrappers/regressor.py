"""A model as a regressor of scikit-learn."""

from typing import ClassVar

import numpy as np
from sklearn.base import RegressorMixin

from phasewise.core.types import ArrayLike
from phasewise.wrappers.estimator import Estimator


class SKLearnRegressor(RegressorMixin, Estimator):
    __doc__ = Estimator.__doc__.replace(
        "A model as an estimator of scikit-learn.",
        "A model as a regressor of scikit-learn, of one target or several.\n\n"
        "    The model gets `y` as (rows, targets); predictions have the axes that `y` had.\n\n    ",
    )

    _checks: ClassVar = {"multi_output": True, "y_numeric": True}

    def _encoded(self, y):
        self._target_axes = y.ndim
        return super()._encoded(y)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The targets of each row: float64, (rows,) or (rows, targets), as `y` was."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs[..., 0] if self._target_axes == 1 and outputs.shape[-1] == 1 else outputs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # that of a model that nobody here has seen
        tags.target_tags.multi_output = True
        return tags
