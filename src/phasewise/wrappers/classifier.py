"""A model as a classifier of scikit-learn."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from phasewise import losses
from phasewise.core.types import ArrayLike
from phasewise.losses.crossentropy import sparse_categorical_crossentropy
from phasewise.training.logits import takes_logits
from phasewise.wrappers.estimator import Estimator


class SKLearnClassifier(ClassifierMixin, Estimator):
    __doc__ = Estimator.__doc__.replace(
        "A model as an estimator of scikit-learn.",
        "A model as a classifier of scikit-learn: labels of any kind, numbers or words.\n\n"
        "    The function given as `model` gets `y` one-hot, (rows, classes). So does the model, unless its loss is a sparse one, which\n"
        "    gets class numbers, or it has one output (two classes): 0 and 1, which Keras's wrapper cannot train.\n\n"
        "    ",
    ).replace("n_features_in_:", "classes_: the labels, sorted.\n        n_features_in_:")

    def _encoded(self, y):
        check_classification_targets(y)
        if type_of_target(y) not in ("binary", "multiclass"):
            raise ValueError(
                f"A classifier takes one label a row, of two or more classes. Unknown label type: {type_of_target(y)}"
            )
        classes, numbers = np.unique(y, return_inverse=True)
        if self.warm_start and hasattr(self, "model_"):
            numbers = self._numbers_as_before(y)
        else:
            self.classes_ = classes
        if len(self.classes_) == 1:
            raise ValueError(
                f"Classifier can't train when only one class is present: all labels are {self.classes_[0]} (rows whose sample_weight is 0 do not count)."
            )
        return np.eye(len(self.classes_), dtype=np.float32)[numbers]

    def _numbers_as_before(self, y):
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"warm_start goes on with the classes {list(self.classes_)}; y has {list(unknown)} too.")
        return np.searchsorted(self.classes_, y)

    def _targets(self, model, y):
        loss = losses.get(model.objective.single_loss)
        if getattr(loss, "fn", loss) is sparse_categorical_crossentropy:
            return y.argmax(1)
        last = model._graph.output_tensors[0].shape[-1] if model._graph else None
        if last == 1 and y.shape[1] > 2:
            raise ValueError(
                f"The model {model.name!r} has one output, which tells two classes apart; y has {y.shape[1]}."
            )
        return y[:, 1:] if last == 1 else y

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The class of each row, as in `classes_`."""
        outputs = self._outputs(X)
        if outputs.shape[-1] > 1:
            return self.classes_[outputs.argmax(-1)]
        return self.classes_[(outputs[..., 0] > self._border()).astype(int)]

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """How much speaks for a class: the model's outputs (rows, classes).

        Of two classes, as scikit-learn has it, one number a row, above 0 where the second is predicted: the difference of the two
        outputs, or of the one and its border. (Keras gives the outputs.)
        """
        outputs = self._outputs(X)
        if outputs.shape[-1] == 1:
            return outputs[..., 0] - self._border()
        return outputs[..., 1] - outputs[..., 0] if outputs.shape[-1] == 2 else outputs

    def _border(self):
        """What one output exceeds where it speaks for the second class: 0 of a logit, 0.5 of a probability."""
        return 0.0 if takes_logits(self.model_.objective.built_losses[0]) else 0.5

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # that of a model that nobody here has seen
        return tags
