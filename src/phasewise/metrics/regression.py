"""The losses as metrics, and the root of the mean square."""

import jax.numpy as jnp

from phasewise.losses import functions
from phasewise.losses.alignment import same_rank
from phasewise.metrics.metric import KIND
from phasewise.metrics.reduction import Mean, MeanMetricWrapper
from phasewise.registry import register


def _of(function, class_name, *aliases):
    """The metric that averages a loss function; the function's arguments become its own."""

    def __init__(self, name=function.__name__, dtype=None, **arguments):
        MeanMetricWrapper.__init__(self, function, name, dtype, **arguments)

    body = {
        "__init__": __init__,
        "__doc__": f"The mean of `phasewise.losses.{function.__name__}`.",
        "__module__": __name__,
    }
    return register(KIND, function.__name__, *aliases)(type(class_name, (MeanMetricWrapper,), body))


MeanSquaredError = _of(functions.mean_squared_error, "MeanSquaredError", "mse", "MSE")
MeanAbsoluteError = _of(functions.mean_absolute_error, "MeanAbsoluteError", "mae", "MAE")
MeanAbsolutePercentageError = _of(
    functions.mean_absolute_percentage_error, "MeanAbsolutePercentageError", "mape", "MAPE"
)
MeanSquaredLogarithmicError = _of(
    functions.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError", "msle", "MSLE"
)
BinaryCrossentropy = _of(functions.binary_crossentropy, "BinaryCrossentropy", "bce", "BCE")
CategoricalCrossentropy = _of(functions.categorical_crossentropy, "CategoricalCrossentropy", "cce")
SparseCategoricalCrossentropy = _of(functions.sparse_categorical_crossentropy, "SparseCategoricalCrossentropy", "scce")
KLDivergence = _of(functions.kl_divergence, "KLDivergence", "kld", "KLD")
Poisson = _of(functions.poisson, "Poisson")
Hinge = _of(functions.hinge, "Hinge")
SquaredHinge = _of(functions.squared_hinge, "SquaredHinge")
CategoricalHinge = _of(functions.categorical_hinge, "CategoricalHinge")
LogCoshError = _of(functions.log_cosh, "LogCoshError", "logcosh")
CosineSimilarity = _of(functions.cosine_similarity, "CosineSimilarity")
Huber = _of(functions.huber, "Huber")


@register(KIND, "rmse")
class RootMeanSquaredError(Mean):
    """The root of the mean square of the error."""

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take one batch into account."""
        y_true, y_pred = same_rank(jnp.asarray(y_true, jnp.float32), jnp.asarray(y_pred, jnp.float32))
        super().update_state(jnp.square(y_pred - y_true), sample_weight)

    def result(self):
        """The root so far."""
        return jnp.sqrt(super().result())


__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "RootMeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]
