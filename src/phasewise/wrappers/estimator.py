"""What the three estimators have in common: how a model is made, trained and asked."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from phasewise.core import random
from phasewise.core.keywords import Told
from phasewise.core.types import ArrayLike
from phasewise.data.adapters import BATCH_SIZE
from phasewise.models import Model


class Estimator(BaseEstimator, Told):
    """A model as an estimator of scikit-learn. `get_params`, `set_params`, `clone`, grid search and pipelines work as with any other.

    Args:
        model: a compiled `Model`, or a function `(X, y, **model_kwargs) -> compiled Model`, where X and y are as the model will get
            them. A `Model` is copied before it is trained: every `fit` begins with the weights that it was given with (Keras draws
            new ones), and it stays as it is.
        warm_start: whether `fit` goes on with the model that the last `fit` trained, and trains a given `Model` itself.
            (Keras takes the argument and does not heed it.)
        model_kwargs: dict of further arguments of the function.
        fit_kwargs: dict of arguments of `Model.fit`, such as {"epochs": 10}; what is given to `fit` itself comes first.
        batch_size: rows in a training step. None: what `fit_kwargs` says, else 32. Ours, not Keras's; it can be searched over.
        random_state: None, an int or a `RandomState`, as everywhere in scikit-learn: an int makes every `fit` repeat. Ours, not Keras's.

    Attributes:
        model_: the trained `Model`.
        history_: what `Model.fit` returned.
        batch_size_: rows in a step of the last training.
        n_features_in_: features of a row.

    Training and predicting show progress as `Model` does; `fit_kwargs={"verbose": 0}` silences both.

    Raises:
        RuntimeError: `fit` is given a model that is not compiled.
        TypeError: `fit` is given what is neither a model nor a function that returns one.
    """

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
        *,
        batch_size: int | None = None,
        random_state: Any = None,
    ):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, **kwargs: Any) -> Self:
        """Train.

        Args:
            X: array of shape (rows, features) or (rows, ...).
            y: labels or targets of the rows.
            **kwargs: arguments of `Model.fit` (`epochs`, `batch_size`, `sample_weight`, `callbacks` ...). Rows that weigh nothing are
                left out, so that they have no part in the statistics of a batch either.
        """
        X, y = validate_data(self, X, y, allow_nd=True, **self._checks)
        if kwargs.get("sample_weight") is not None:
            weights = np.asarray(kwargs["sample_weight"], np.float32)
            check_consistent_length(X, weights)
            X, y, kwargs["sample_weight"] = X[weights != 0], y[weights != 0], weights[weights != 0]
        y = self._encoded(y)
        settings = {
            **(self.fit_kwargs or {}),
            **({} if self.batch_size is None else {"batch_size": self.batch_size}),
            **kwargs,
        }
        self.batch_size_ = settings.get("batch_size") or BATCH_SIZE
        with random.drawing_from(self._seed()):
            model = self._model_for(X, y)
            self.history_ = model.fit(X, self._targets(model, y), **settings)
        self._verbose = settings.get("verbose", "auto")
        self.model_ = model
        return self

    _checks: ClassVar[dict[str, Any]] = {}  # how `y` is looked at

    def _encoded(self, y):
        """`y` in numbers, two axes."""
        if type_of_target(y) == "unknown":
            raise ValueError(f"A model learns from numbers. Unknown label type: {y!r}")
        return y if y.ndim > 1 else y[:, None]

    def _targets(self, model, y):
        """`y` as this model takes it."""
        return y

    def _seed(self):
        if self.random_state is None:
            return random.fresh_seed()
        return int(check_random_state(self.random_state).randint(2**31))

    def _model_for(self, X, y):
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if isinstance(self.model, Model):
            model = self.model if self.warm_start else copy.deepcopy(self.model)
        elif callable(self.model):
            model = self.model(X=X, y=y, **(self.model_kwargs or {}))
        else:
            raise TypeError(f"model is a compiled Model, or a function that returns one; got {self.model!r}.")
        if not isinstance(model, Model):
            raise TypeError(f"The function given as model must return a Model; it returned {model!r}.")
        if model.optimizer is None or model.objective is None or not model.objective.has_loss:
            raise RuntimeError(
                f"The model {model.name!r} must be compiled with an optimizer and a loss before it is wrapped."
            )
        return model

    def _outputs(self, X):
        """What the trained model says of X, at least two axes."""
        check_is_fitted(self)
        X = validate_data(self, X, allow_nd=True, reset=False)
        outputs = self.model_.predict(X, verbose=self._verbose)
        return np.asarray(outputs)

    def set_fit_request(self, **kwargs: Any) -> Self:
        """Say which arguments of `fit` a pipeline or search around hands on (scikit-learn's metadata routing).

        Args:
            **kwargs: argument -> True, False, None or another name for it.

        Raises:
            RuntimeError: routing is not switched on.
        """
        if not get_config().get("enable_metadata_routing", False):
            raise RuntimeError(
                "Metadata routing is not switched on: call sklearn.set_config(enable_metadata_routing=True) before."
            )
        requests = self._get_metadata_request()
        for argument, alias in kwargs.items():
            requests.fit.add_request(param=argument, alias=alias)
        self._metadata_request = requests
        return self
