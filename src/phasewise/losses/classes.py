"""The loss classes: a function each, and the arguments that it is called with."""

from phasewise.core.registry import register
from phasewise.losses.alignment import broadcast_rows
from phasewise.losses.crossentropy import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    sparse_categorical_crossentropy,
    sparse_labels,
)
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
from phasewise.losses.loss import KIND, LossFunctionWrapper

MEAN = "sum_over_batch_size"


def _plain(function, class_name):
    """The class of a loss function without arguments."""

    def __init__(self, reduction=MEAN, name=function.__name__, dtype=None):
        LossFunctionWrapper.__init__(self, function, reduction, name, dtype)

    doc = f"{function.__doc__.strip()} See `phasewise.losses.{function.__name__}`."
    return register(KIND)(
        type(class_name, (LossFunctionWrapper,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})
    )


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


@register(KIND)
class Huber(LossFunctionWrapper):
    """Half the square of the error up to `delta`, linear beyond. See `phasewise.losses.huber`."""

    def __init__(self, delta=1.0, reduction=MEAN, name="huber_loss", dtype=None):
        super().__init__(huber, reduction, name, dtype, delta=delta)


@register(KIND)
class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine between labels and predictions along `axis`. See `phasewise.losses.cosine_similarity`."""

    def __init__(self, axis=-1, reduction=MEAN, name="cosine_similarity", dtype=None):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


@register(KIND)
class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of labels in [0, 1]. See `phasewise.losses.binary_crossentropy`."""

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction=MEAN,
        name="binary_crossentropy",
        dtype=None,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **arguments)


@register(KIND)
class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy that counts easy rows less. See `phasewise.losses.binary_focal_crossentropy`."""

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction=MEAN,
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        focus = {"apply_class_balancing": apply_class_balancing, "alpha": alpha, "gamma": gamma}
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, **focus, **arguments)


@register(KIND)
class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot labels. See `phasewise.losses.categorical_crossentropy`."""

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction=MEAN,
        name="categorical_crossentropy",
        dtype=None,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **arguments)


@register(KIND)
class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot labels, easy rows count less. See `phasewise.losses.categorical_focal_crossentropy`."""

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction=MEAN,
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        function = categorical_focal_crossentropy
        super().__init__(function, reduction, name, dtype, alpha=alpha, gamma=gamma, **arguments)


@register(KIND)
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of integer labels; `ignore_class` counts nowhere.

    See `phasewise.losses.sparse_categorical_crossentropy`.
    """

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction=MEAN,
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        arguments = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **arguments)

    def mask(self, y_true, y_pred, mask):
        """Leaves out the ignored class."""
        if self.arguments["ignore_class"] is None:
            return mask
        counts = sparse_labels(y_true, y_pred, self.arguments["axis"]) != self.arguments["ignore_class"]
        return counts if mask is None else counts & broadcast_rows(mask, counts).astype(bool)


@register(KIND)
class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Cross-entropy of integer labels that forgives wrong ones.

    See `phasewise.losses.categorical_generalized_cross_entropy`.

    Args:
        q: between 0 and 1, exclusive.
    """

    def __init__(self, q=0.5, reduction=MEAN, name="categorical_generalized_cross_entropy", dtype=None):
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy's q is between 0 and 1; got {q!r}.")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


def _smoothing(value):
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing is in [0, 1]; got {value!r}.")
    return value
