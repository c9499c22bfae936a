"""A model as a transformer of scikit-learn: a step of a pipeline that makes features."""

from typing import ClassVar

import numpy as np
from sklearn.base import TransformerMixin

from phasewise.core.types import ArrayLike
from phasewise.wrappers.estimator import Estimator


class SKLearnTransformer(TransformerMixin, Estimator):
    __doc__ = Estimator.__doc__.replace(
        "A model as an estimator of scikit-learn.",
        "A model as a transformer of scikit-learn: its outputs are the new features.\n\n"
        "    It learns from `y`; give `y=X` for one that is to tell its input again.\n\n    ",
    )

    _checks: ClassVar = {"multi_output": True}

    def transform(self, X: ArrayLike) -> np.ndarray:
        """The model's outputs for each row."""
        return self._outputs(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
