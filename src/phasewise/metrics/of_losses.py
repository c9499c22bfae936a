"""The losses as metrics, and the root of the mean square."""

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.losses import crossentropy, functions
from phasewise.losses.alignment import as_float, broadcast_rows, paired
from phasewise.metrics.metric import KIND
from phasewise.metrics.reduction import Mean, MeanMetricWrapper


def _of(function, class_name, *aliases, name=None):
    """The metric that averages a loss function without arguments."""

    def __init__(self, name=name or function.__name__, dtype=None):
        MeanMetricWrapper.__init__(self, function, name, dtype)

    body = {
        "__init__": __init__,
        "__doc__": f"The mean of `phasewise.losses.{function.__name__}`.",
        "__module__": __name__,
    }
    return register(KIND, *aliases)(type(class_name, (MeanMetricWrapper,), body))


MeanSquaredError = _of(functions.mean_squared_error, "MeanSquaredError", "mse", "MSE")
MeanAbsoluteError = _of(functions.mean_absolute_error, "MeanAbsoluteError", "mae", "MAE")
MeanAbsolutePercentageError = _of(
    functions.mean_absolute_percentage_error, "MeanAbsolutePercentageError", "mape", "MAPE"
)
MeanSquaredLogarithmicError = _of(
    functions.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError", "msle", "MSLE"
)
KLDivergence = _of(functions.kl_divergence, "KLDivergence")
Poisson = _of(functions.poisson, "Poisson")
Hinge = _of(functions.hinge, "Hinge")
SquaredHinge = _of(functions.squared_hinge, "SquaredHinge")
CategoricalHinge = _of(functions.categorical_hinge, "CategoricalHinge")
LogCoshError = _of(functions.log_cosh, "LogCoshError", name="logcosh")


@register(KIND)
class Huber(MeanMetricWrapper):
    """The mean of `phasewise.losses.huber`. Keras has the loss only."""

    def __init__(self, name="huber", dtype=None, delta=1.0):
        super().__init__(functions.huber, name, dtype, delta=delta)


@register(KIND)
class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine between labels and predictions along `axis`: the loss's negative."""

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(functions.cosine, name, dtype, axis=axis)


@register(KIND, "bce", "BCE")
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `phasewise.losses.binary_crossentropy`."""

    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(crossentropy.binary_crossentropy, name, dtype, **arguments)


@register(KIND)
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `phasewise.losses.categorical_crossentropy`."""

    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(crossentropy.categorical_crossentropy, name, dtype, **arguments)


@register(KIND)
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `phasewise.losses.sparse_categorical_crossentropy` over the labels that are not `ignore_class`.

    Without `sample_weight` Keras counts ignored labels as labels of loss 0, and so differs from its own loss.
    """

    def __init__(
        self, name="sparse_categorical_crossentropy", dtype=None, from_logits=False, ignore_class=None, axis=-1
    ):
        arguments = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(crossentropy.sparse_categorical_crossentropy, name, dtype, **arguments)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take one batch into account."""
        ignored = self.arguments["ignore_class"]
        if ignored is not None:
            labels = crossentropy.sparse_labels(y_true, as_float(y_pred), self.arguments["axis"])
            counts = (labels != ignored).astype(jnp.float32)
            sample_weight = counts if sample_weight is None else counts * broadcast_rows(sample_weight, counts)
        super().update_state(y_true, y_pred, sample_weight)


@register(KIND, "rmse")
class RootMeanSquaredError(Mean):
    """The root of the mean square of the error."""

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take one batch into account."""
        y_true, y_pred = paired(y_true, y_pred)
        super().update_state(jnp.square(y_pred - y_true), sample_weight)

    def result(self):
        """The root so far."""
        return jnp.sqrt(super().result())
