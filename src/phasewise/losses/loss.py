"""Loss: a function of labels and predictions, and how its values become one number."""

import jax.numpy as jnp

from phasewise import naming, registry
from phasewise.losses import functions
from phasewise.losses.alignment import reduce
from phasewise.registry import register

KIND = "loss"
REDUCTIONS = ("sum", "mean", "sum_over_batch_size", "mean_with_sample_weight", "none", None)


class Loss:
    """Subclass it with `call(y_true, y_pred)` that returns one value a row (or more).

    Args:
        name: str.
        reduction: "sum_over_batch_size" (the mean over all values), "sum", "mean_with_sample_weight" or "none".
        dtype: accepted; losses are computed in float32 or wider.
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        if reduction not in REDUCTIONS:
            raise ValueError(f"A loss's reduction is one of {', '.join(map(repr, REDUCTIONS))}; got {reduction!r}.")
        self.name = name or naming.unique_name(type(self).__name__)
        self.reduction = reduction

    def call(self, y_true, y_pred):
        """The values, (rows, ...)."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred).")

    def __call__(self, y_true, y_pred, sample_weight=None, mask=None):
        """The values, weighted, masked (False positions count nowhere) and reduced."""
        values = jnp.asarray(self.call(y_true, y_pred))
        return reduce(values, self.reduction, sample_weight, self.mask(y_true, y_pred, mask))

    def mask(self, y_true, y_pred, mask):
        """The positions that count: `mask`, and what the loss itself leaves out."""
        return mask

    def get_config(self):
        """Name and reduction."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config):
        """A loss from what `get_config` returned."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A function `(y_true, y_pred, **arguments)` as a `Loss`."""

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **arguments):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn, self.arguments = fn, arguments

    def call(self, y_true, y_pred):
        """The function's values."""
        return self.fn(y_true, y_pred, **self.arguments)

    def get_config(self):
        """Name, reduction and the function's arguments."""
        config = {**super().get_config(), **self.arguments}
        if type(self) is LossFunctionWrapper:
            config["fn"] = registry.serialize(self.fn)
        return config

    @classmethod
    def from_config(cls, config):
        """A loss from what `get_config` returned; a function's name is looked up among the registered ones."""
        config = dict(config)
        if isinstance(config.get("fn"), str):
            config["fn"] = registry.find(KIND, config["fn"])
        return cls(**config)


def _plain(function, class_name):
    """The class of a loss function without arguments."""

    def __init__(self, reduction="sum_over_batch_size", name=function.__name__, dtype=None):
        LossFunctionWrapper.__init__(self, function, reduction, name, dtype)

    doc = f"{function.__doc__} See `phasewise.losses.{function.__name__}`."
    return register(KIND)(
        type(class_name, (LossFunctionWrapper,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})
    )


MeanSquaredError = _plain(functions.mean_squared_error, "MeanSquaredError")
MeanAbsoluteError = _plain(functions.mean_absolute_error, "MeanAbsoluteError")
MeanAbsolutePercentageError = _plain(functions.mean_absolute_percentage_error, "MeanAbsolutePercentageError")
MeanSquaredLogarithmicError = _plain(functions.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError")
LogCosh = _plain(functions.log_cosh, "LogCosh")
Poisson = _plain(functions.poisson, "Poisson")
KLDivergence = _plain(functions.kl_divergence, "KLDivergence")
Hinge = _plain(functions.hinge, "Hinge")
SquaredHinge = _plain(functions.squared_hinge, "SquaredHinge")
CategoricalHinge = _plain(functions.categorical_hinge, "CategoricalHinge")


@register(KIND)
class Huber(LossFunctionWrapper):
    """Half the square of the error up to `delta`, linear beyond. See `phasewise.losses.huber`."""

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(functions.huber, reduction, name, dtype, delta=delta)


@register(KIND)
class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine between labels and predictions along `axis`."""

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        super().__init__(functions.cosine_similarity, reduction, name, dtype, axis=axis)

    def call(self, y_true, y_pred):
        """The negative cosine."""
        return -super().call(y_true, y_pred)


@register(KIND)
class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of labels in [0, 1]. See `phasewise.losses.binary_crossentropy`."""

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(functions.binary_crossentropy, reduction, name, dtype, **arguments)


@register(KIND)
class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot labels. See `phasewise.losses.categorical_crossentropy`."""

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(functions.categorical_crossentropy, reduction, name, dtype, **arguments)


@register(KIND)
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of integer labels; `ignore_class` counts nowhere. See `phasewise.losses.sparse_categorical_crossentropy`."""

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        arguments = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(functions.sparse_categorical_crossentropy, reduction, name, dtype, **arguments)

    def mask(self, y_true, y_pred, mask):
        """Leaves out the ignored class."""
        ignored = self.arguments["ignore_class"]
        if ignored is None:
            return mask
        counts = functions.sparse_labels(y_true, jnp.asarray(y_pred)) != ignored
        if mask is None:
            return counts
        mask = jnp.asarray(mask, bool)
        return counts & mask.reshape(mask.shape + (1,) * (counts.ndim - mask.ndim))


def get(identifier):
    """A loss from a name, a config, an object or a function; None stays. A name of a function gives the function."""
    return registry.resolve(KIND, identifier)


def as_loss(identifier):
    """As `get`, a function wrapped in a `Loss`."""
    found = get(identifier)
    if found is None or isinstance(found, Loss):
        return found
    name = registry.canonical_name(found)
    twin = _class_of(found) if name else None
    return twin() if twin is not None else LossFunctionWrapper(found)


def _class_of(function):
    """The loss class that computes a registered function."""
    for item in registry.members(KIND):
        if isinstance(item, type) and registry.snake_case(item.__name__) == function.__name__:
            return item
    return None


def _smoothing(value):
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing is in [0, 1]; got {value!r}.")
    return value
