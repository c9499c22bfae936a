"""Loss: a function of labels and predictions, and how its values become one number."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import jax

from phasewise.core import naming, registry
from phasewise.core.pickling import Portable
from phasewise.core.registry import one_of
from phasewise.core.settings import Settings
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike, Named, Nest
from phasewise.losses.alignment import as_float, one_a_row, reduce, same_rank
from phasewise.losses.functions import KIND

REDUCTIONS = ("sum", "mean", "sum_over_batch_size", "mean_with_sample_weight", "none", None)


class Loss(Portable, Settings):
    """Subclass it with `call(y_true, y_pred)` that returns one value a row (or more).

    Args:
        name: str.
        reduction: "sum_over_batch_size" or "mean" (the mean over all values), "sum", "mean_with_sample_weight" (divided
            by the sum of the weights) or "none" or None (the values themselves).
        dtype: accepted; losses are computed in float32 or wider.

    Raises:
        ValueError: the reduction is none of these.
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: DTypeLike | None = None
    ):
        self.reduction = one_of("A loss", "reduction", reduction, REDUCTIONS)
        self.name = name or naming.unique_name(type(self).__name__)
        self.dtype = dtype or "float32"

    def call(self, y_true: Nest, y_pred: Nest) -> Array:
        """The values, (rows, ...); labels and predictions arrive as float arrays, those of (rows,) and (rows, 1) as of one rank."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred).")

    def __call__(
        self, y_true: Nest, y_pred: Nest, sample_weight: ArrayLike | None = None, mask: ArrayLike | None = None
    ) -> Array:
        """The values, weighted, masked and reduced.

        Args:
            y_true, y_pred: arrays, or structures of arrays.
            sample_weight: one weight a row, or one for each value; broadcast from the left.
            mask: boolean, as the weights; False positions count nowhere.
        """
        y_true, y_pred = _of_one_rank(_as_floats(y_true), _as_floats(y_pred))
        if sample_weight is not None or mask is not None:
            y_true, y_pred = one_a_row(getattr(self, "fn", None), y_true, y_pred)
        values, mask = self._values_and_mask(y_true, y_pred, mask)
        return reduce(as_float(values), self.reduction, sample_weight, mask)

    def _values_and_mask(self, y_true: Nest, y_pred: Nest, mask: ArrayLike | None) -> tuple[Array, ArrayLike | None]:
        """The values, and which of them count; a loss that compares rows or positions with one another looks at the mask first."""
        return self.call(y_true, y_pred), self._mask_of(y_true, y_pred, mask)

    def _mask_of(self, y_true: Nest, y_pred: Nest, mask: ArrayLike | None) -> ArrayLike | None:
        """The positions that count: `mask`, and what the loss itself leaves out."""
        return mask

    def get_config(self) -> Config:
        """Name and reduction."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A loss from what `get_config` returned."""
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


class LossFunctionWrapper(Loss):
    """A function `(y_true, y_pred, **arguments)` as a `Loss`."""

    def __init__(
        self,
        fn: Callable[..., ArrayLike],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **arguments: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn, self.arguments = fn, arguments

    def call(self, y_true: Nest, y_pred: Nest) -> Array:
        """The function's values, of labels and predictions of one rank."""
        y_true, y_pred = _of_one_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self.arguments)

    def get_config(self) -> Config:
        """Name, reduction and the function's arguments."""
        config = {**super().get_config(), **self.arguments}
        if type(self) is LossFunctionWrapper:
            config["fn"] = registry.serialize(self.fn)
        return config

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A loss from what `get_config` returned; a function's name is looked up among the registered ones."""
        config = dict(config)
        if isinstance(config.get("fn"), str):
            config["fn"] = registry.find(KIND, config["fn"])
        return cls(**config)


def get(identifier: Named) -> Callable[..., Array] | None:
    """A loss from a name, a config, an object or a function; None stays. A name of a function gives the function.

    Raises:
        ValueError: no loss has that name (the message gives the nearest), or it cannot be one.
    """
    return registry.resolve(KIND, identifier)


def serialize(loss: Named) -> Config | str | None:
    """The name of a function; class name and config of a `Loss`."""
    return registry.serialize(loss)


def deserialize(name: Named, custom_objects: Mapping[str, Any] | None = None) -> Callable[..., Array] | None:
    """The loss that `serialize` described; `custom_objects` are classes and functions by name that it may mean."""
    return registry.deserialize(KIND, name, custom_objects)


def as_loss(identifier: Named) -> Loss | None:
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


def _of_one_rank(y_true, y_pred):
    """As `same_rank`, of arrays; structures stay."""
    if hasattr(y_true, "ndim") and hasattr(y_pred, "ndim"):
        return same_rank(y_true, y_pred)
    return y_true, y_pred


def _as_floats(structure):
    """An array, or a structure of arrays, in float; lists of plain numbers are arrays."""
    leaves = jax.tree.leaves(structure)
    if isinstance(structure, list | tuple) and not any(hasattr(leaf, "shape") for leaf in leaves):
        return as_float(structure)
    return jax.tree.map(as_float, structure)
