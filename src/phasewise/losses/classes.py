"""The loss classes: a function each, which speaks for its class too, and the arguments that it is called with."""

import inspect
from collections.abc import Sequence

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, DTypeLike
from phasewise.losses.alignment import broadcast_rows
from phasewise.losses.circle import circle, compared
from phasewise.losses.crossentropy import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    sparse_categorical_crossentropy,
    sparse_labels,
)
from phasewise.losses.ctc import aligned, ctc
from phasewise.losses.functions import (
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    squared_hinge,
)
from phasewise.losses.loss import KIND, Loss, LossFunctionWrapper
from phasewise.losses.overlap import dice, tversky

MEAN = "sum_over_batch_size"
REDUCED = (
    "Called, the class makes one number of these values by its `reduction`: by default the mean over all that count (rows, and "
    'positions where a row has several); "sum" adds them up, so that it grows with the batch; None leaves them as they are.'
)


def _of(function):
    """Decorator: registers the class of a loss function, whose docstring it takes."""

    def enter(cls):
        cls.__doc__ = (
            f"{inspect.getdoc(function)}\n\n{REDUCED}\n\nAs a function: `phasewise.losses.{function.__name__}`."
        )
        return register(KIND)(cls)

    return enter


def _plain(function, class_name) -> type[Loss]:
    """The class of a loss function without arguments."""

    def __init__(
        self, reduction: str | None = MEAN, name: str | None = function.__name__, dtype: DTypeLike | None = None
    ):
        LossFunctionWrapper.__init__(self, function, reduction, name, dtype)

    return _of(function)(type(class_name, (LossFunctionWrapper,), {"__init__": __init__, "__module__": __name__}))


MeanSquaredError = _plain(mean_squared_error, "MeanSquaredError")
MeanAbsoluteError = _plain(mean_absolute_error, "MeanAbsoluteError")
MeanAbsolutePercentageError = _plain(mean_absolute_percentage_error, "MeanAbsolutePercentageError")
MeanSquaredLogarithmicError = _plain(mean_squared_logarithmic_error, "MeanSquaredLogarithmicError")
LogCosh = _plain(log_cosh, "LogCosh")
Poisson = _plain(poisson, "Poisson")
KLDivergence = _plain(kl_divergence, "KLDivergence")
Hinge = _plain(hinge, "Hinge")
SquaredHinge = _plain(squared_hinge, "SquaredHinge")
CategoricalHinge = _plain(categorical_hinge, "CategoricalHinge")


@_of(huber)
class Huber(LossFunctionWrapper):
    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = MEAN,
        name: str | None = "huber_loss",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(huber, reduction, name, dtype, delta=delta)


@_of(cosine_similarity)
class CosineSimilarity(LossFunctionWrapper):
    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = "cosine_similarity",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


@_of(binary_crossentropy)
class BinaryCrossentropy(LossFunctionWrapper):
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = "binary_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **arguments)


@_of(binary_focal_crossentropy)
class BinaryFocalCrossentropy(LossFunctionWrapper):
    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = "binary_focal_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        focus = {"apply_class_balancing": apply_class_balancing, "alpha": alpha, "gamma": gamma}
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, **focus, **arguments)


@_of(categorical_crossentropy)
class CategoricalCrossentropy(LossFunctionWrapper):
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **arguments)


@_of(categorical_focal_crossentropy)
class CategoricalFocalCrossentropy(LossFunctionWrapper):
    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = "categorical_focal_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        function = categorical_focal_crossentropy
        super().__init__(function, reduction, name, dtype, alpha=alpha, gamma=gamma, **arguments)


@_of(sparse_categorical_crossentropy)
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = MEAN,
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        arguments = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **arguments)

    def _mask_of(self, y_true: Array, y_pred: Array, mask: ArrayLike | None) -> ArrayLike | None:
        """Leaves out the ignored class."""
        if self.arguments["ignore_class"] is None:
            return mask
        counts = sparse_labels(y_true, y_pred, self.arguments["axis"]) != self.arguments["ignore_class"]
        return counts if mask is None else counts & broadcast_rows(mask, counts).astype(bool)


@_of(categorical_generalized_cross_entropy)
class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = MEAN,
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: DTypeLike | None = None,
    ):
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy's q is between 0 and 1; got {q!r}.")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


class _Overlap(LossFunctionWrapper):
    """A loss of regions, to which what is masked out does not belong."""

    def _values_and_mask(self, y_true: Array, y_pred: Array, mask: ArrayLike | None) -> tuple[Array, ArrayLike | None]:
        """Regions without what is masked out; a region of which nothing is left does not count."""
        if mask is None:
            return self.call(y_true, y_pred), None
        counts = jnp.broadcast_to(broadcast_rows(mask, y_pred), y_pred.shape).astype(bool)
        values = self.call(*(jnp.where(counts, each, 0) for each in (y_true, y_pred)))
        axis = self.arguments["axis"] if values.ndim else tuple(range(1, counts.ndim))
        return values, counts.any(axis)


@_of(dice)
class Dice(_Overlap):
    def __init__(
        self,
        reduction: str | None = MEAN,
        name: str | None = "dice",
        axis: int | Sequence[int] | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(dice, reduction, name, dtype, axis=_axes(axis))


@_of(tversky)
class Tversky(_Overlap):
    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = MEAN,
        name: str | None = "tversky",
        axis: int | Sequence[int] | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=_axes(axis))


@_of(circle)
class Circle(LossFunctionWrapper):
    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = MEAN,
        name: str | None = "circle",
        dtype: DTypeLike | None = None,
    ):
        arguments = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}
        super().__init__(circle, reduction, name, dtype, **arguments)

    def _values_and_mask(self, y_true: Array, y_pred: Array, mask: ArrayLike | None) -> tuple[Array, ArrayLike | None]:
        """Rows that count are compared with rows that count; those with nothing to be compared with do not count either."""
        present = None if mask is None else _any_of_row(mask)
        values = compared(y_true, y_pred, None, None, present=present, **self.arguments)
        return values, values > 0 if present is None else (values > 0) & present


@_of(ctc)
class CTC(LossFunctionWrapper):
    def __init__(self, reduction: str | None = MEAN, name: str | None = "ctc", dtype: DTypeLike | None = None):
        super().__init__(ctc, reduction, name, dtype)

    def _values_and_mask(self, y_true: Array, y_pred: Array, mask: ArrayLike | None) -> tuple[Array, ArrayLike | None]:
        """A mask of time steps says how long each row is; a row of none does not count."""
        if mask is None or jnp.ndim(mask) == 1:
            return self.call(y_true, y_pred), mask
        present = jnp.broadcast_to(jnp.asarray(mask).astype(bool), jnp.shape(y_pred)[:2])
        return aligned(y_true, y_pred, present), present.any(1)


def _axes(axis):
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


def _any_of_row(mask):
    mask = jnp.asarray(mask).astype(bool)
    return mask.reshape(len(mask), -1).any(1)


def _smoothing(value):
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing is in [0, 1]; got {value!r}.")
    return value
