"""The tree of layers: sublayers found in attributes, lists, tuples and dicts, and the weights they own together."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from phasewise.core import naming, structure
from phasewise.core.arguments import check_flag
from phasewise.core.settings import Settings
from phasewise.core.types import ArrayLike, Weights
from phasewise.core.variable import Variable
from phasewise.layer import settings
from phasewise.layer.inventory import Found, Inventory, unique
from phasewise.metrics.metric import Metric

_NOT_SEARCHED = frozenset(
    {"_given", "_own_variables", "_last_losses", "_nodes", "_seen_output", "_last_inventory", "programs"}
)
_PLAIN = frozenset({str, int, float, bool, type(None)})  # most attributes: passed over at once


class LayerTree(Settings):
    """What a layer knows about the layers and weights inside it."""

    _unread = frozenset({"built"})
    fixed_by_build: tuple[str, ...] = ()  # attributes by which the weights are made
    weights_of_rules: Mapping[str, str] = MappingProxyType({})  # weights whose rules are named otherwise than they are
    _last_inventory = None

    def __setattr__(self, name: str, value: Any) -> None:
        if (name.endswith(settings.RULES) or name in self.fixed_by_build) and vars(self).get("built"):
            value = settings.set_later(self, name, value)
        if name not in _NOT_SEARCHED and (_may_hold(value) or _may_hold(vars(self).get(name))):
            if isinstance(value, LayerTree | Variable) and vars(self).get(name) is not value:
                self._refuse_in_call(f"self.{name} = {type(value).__name__}(...)")
            structure.changed()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        structure.changed()

    def _refuse_in_call(self, what):
        """Raises RuntimeError when this layer is being called, and none is being built."""
        if naming.is_called(self):
            raise RuntimeError(
                f"{what} in the call of {type(self).__name__} {self.name!r}: every call would make a new one, which no training "
                "could follow. Make it in `build` (or in `__init__`), and use it in `call`."
            )

    def _found(self):
        """What lies directly in this layer, from one look at the attributes."""
        found = Found()
        found.variables.extend(self._own_variables)
        for key, value in vars(self).items():
            if type(value) not in _PLAIN and key not in _NOT_SEARCHED:
                found.collect(value, _is_layer)
        return found

    def _inventory(self) -> Inventory:
        """What the tree below this layer consists of; looked up anew only where something has changed."""
        known = self._last_inventory
        if known is None or not known.holds_for(self):
            known = self._last_inventory = Inventory(self)
        return known

    def sublayers(self) -> list:
        """The layers directly inside this one, in the order in which they were assigned; each once."""
        return self._sublayers()

    def _sublayers(self):
        return unique(self._found().layers)

    def all_layers(self) -> list:
        """This layer and every layer inside it, parents first; each once."""
        return list(self._inventory().layers)

    @property
    def variables(self) -> list[Variable]:
        """All variables: this layer's own, trainable first, then those of the layers inside it, in order."""
        return list(self._inventory().variables)

    @property
    def weights(self) -> list[Variable]:
        """The variables without those that hold what a layer remembers from batch to batch (Keras counts them out too)."""
        found = self._inventory()
        return [v for v in found.variables if not v.is_memory] if found.memory else list(found.variables)

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that this layer and the layers inside it hold as attributes, in order. Their accumulators are no weights."""
        return list(self._inventory().metrics)

    @property
    def metrics_variables(self) -> list[Variable]:
        """The accumulators of `metrics`, in order."""
        return unique([variable for metric in self.metrics for variable in metric.variables])

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that gradients update: empty for a frozen layer."""
        return list(self._inventory().trained)

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """All other variables."""
        return list(self._inventory().others)

    non_trainable_weights = non_trainable_variables

    @property
    def trainable(self) -> bool:
        """False when the layer is frozen. Assigning sets it for every layer inside as well."""
        return self._own_trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = check_flag(type(self).__name__, "trainable", value)
        for layer in self._inventory().layers:
            layer._own_trainable = value
        structure.changed()

    def get_weights(self) -> Weights:
        """The values of all weights as NumPy arrays, in the order of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[ArrayLike]) -> None:
        """Set all weights from arrays in the order of `weights`.

        Raises:
            ValueError: another number of arrays, or an array of another shape; nothing is changed then.
        """
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(
                f"{self.name!r} has {len(variables)} weights; set_weights was given {len(weights)} arrays."
                + ("" if self.built else " The layer is not built yet: call it on data first.")
            )
        for variable, value in zip(variables, weights):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"Weight {variable.path!r} has shape {variable.shape}; set_weights was given {np.shape(value)}."
                )
        for variable, value in zip(variables, weights):
            variable.assign(np.asarray(value))

    def count_params(self) -> int:
        """Total number of scalars in all weights."""
        return sum(int(np.prod(v.shape)) for v in self.weights)


def _is_layer(value):
    return isinstance(value, LayerTree)


def _may_hold(value):
    return isinstance(value, LayerTree | Variable | Metric | list | tuple | dict)
