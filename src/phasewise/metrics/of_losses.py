"""The losses as metrics, and the root of the mean square."""

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, DTypeLike
from phasewise.losses import crossentropy, functions
from phasewise.losses.alignment import as_float, broadcast_rows, paired
from phasewise.metrics.metric import KIND
from phasewise.metrics.reduction import Mean, MeanMetricWrapper, mean_of

MeanSquaredError = mean_of(functions.mean_squared_error, "MeanSquaredError", "mse", "MSE")
MeanAbsoluteError = mean_of(functions.mean_absolute_error, "MeanAbsoluteError", "mae", "MAE")
MeanAbsolutePercentageError = mean_of(
    functions.mean_absolute_percentage_error, "MeanAbsolutePercentageError", "mape", "MAPE"
)
MeanSquaredLogarithmicError = mean_of(
    functions.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError", "msle", "MSLE"
)
KLDivergence = mean_of(functions.kl_divergence, "KLDivergence")
Poisson = mean_of(functions.poisson, "Poisson")
Hinge = mean_of(functions.hinge, "Hinge")
SquaredHinge = mean_of(functions.squared_hinge, "SquaredHinge")
CategoricalHinge = mean_of(functions.categorical_hinge, "CategoricalHinge")
LogCoshError = mean_of(functions.log_cosh, "LogCoshError", name="logcosh")


@register(KIND)
class Huber(MeanMetricWrapper):
    """The mean of `phasewise.losses.huber`. Keras has the loss only."""

    def __init__(self, name: str | None = "huber", dtype: DTypeLike | None = None, delta: float = 1.0):
        super().__init__(functions.huber, name, dtype, delta=delta)


@register(KIND)
class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine between labels and predictions along `axis`: the loss's negative."""

    def __init__(self, name: str | None = "cosine_similarity", dtype: DTypeLike | None = None, axis: int = -1):
        super().__init__(functions.cosine, name, dtype, axis=axis)


@register(KIND, "bce", "BCE")
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `phasewise.losses.binary_crossentropy`."""

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(crossentropy.binary_crossentropy, name, dtype, **arguments)


@register(KIND)
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `phasewise.losses.categorical_crossentropy`."""

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(crossentropy.categorical_crossentropy, name, dtype, **arguments)


@register(KIND)
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `phasewise.losses.sparse_categorical_crossentropy` over the labels that are not `ignore_class`.

    Without `sample_weight` Keras counts ignored labels as labels of loss 0, and so differs from its own loss.
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        arguments = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(crossentropy.sparse_categorical_crossentropy, name, dtype, **arguments)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        ignored = self.arguments["ignore_class"]
        if ignored is not None:
            labels = crossentropy.sparse_labels(y_true, as_float(y_pred), self.arguments["axis"])
            counts = (labels != ignored).astype(jnp.float32)
            sample_weight = counts if sample_weight is None else counts * broadcast_rows(sample_weight, counts)
        super().update_state(y_true, y_pred, sample_weight)


@register(KIND, "rmse")
class RootMeanSquaredError(Mean):
    """The root of the mean square of the error."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        y_true, y_pred = paired(y_true, y_pred)
        super().update_state(jnp.square(y_pred - y_true), sample_weight)

    def result(self) -> Array:
        """The root so far."""
        return jnp.sqrt(super().result())
