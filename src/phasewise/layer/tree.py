"""The tree of layers: sublayers found in attributes, lists, tuples and dicts, and the weights they own together."""

import numpy as np

from phasewise.core.variable import Variable

_NOT_SEARCHED = frozenset({"_given", "_own_variables", "_last_losses", "_nodes", "_seen_output", "programs"})

_PLAIN = frozenset({str, int, float, bool, type(None)})  # most attributes: passed over at once


class LayerTree:
    """What a layer knows about the layers and weights inside it."""

    def _layers_and_variables(self):
        """(the layers directly inside this one, the variables of this layer itself), from one look at the attributes."""
        layers, variables = [], list(self._own_variables)
        for key, value in vars(self).items():
            if type(value) not in _PLAIN and key not in _NOT_SEARCHED:
                _collect(value, layers, variables)
        return layers, variables

    def _inventory(self):
        """(layer, its own variables) for this layer and every layer inside it, parents first; each layer once.

        Variables that were made trainable come first.
        """
        found, stack = {}, [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in found:
                layers, own = layer._layers_and_variables()
                own = [v for v in own if v.made_trainable] + [v for v in own if not v.made_trainable]
                found[id(layer)] = (layer, _unique(own))
                stack.extend(reversed(layers))
        return list(found.values())

    def sublayers(self):
        """The layers directly inside this one, in the order in which they were assigned; each once."""
        return _unique(self._layers_and_variables()[0])

    def all_layers(self):
        """This layer and every layer inside it, parents first; each once."""
        return [layer for layer, _ in self._inventory()]

    @property
    def variables(self):
        """All variables: this layer's own, trainable first, then those of the layers inside it, in order."""
        return _unique(v for _, own in self._inventory() for v in own)

    weights = variables

    @property
    def trainable_variables(self):
        """The variables that gradients update: empty for a frozen layer."""
        return self.split_variables()[0]

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self):
        """All other variables."""
        return self.split_variables()[1]

    def split_variables(self):
        """(the variables that gradients update, all others), as lists."""
        inventory = self._inventory()
        variables = _unique(v for _, own in inventory for v in own)
        if not self._own_trainable:
            return [], variables
        frozen = {id(v) for layer, _ in inventory if not layer._own_trainable for v in layer.variables}
        trained = [v for v in variables if v.trainable and id(v) not in frozen]
        others = {id(v) for v in trained}
        return trained, [v for v in variables if id(v) not in others]

    non_trainable_weights = non_trainable_variables

    @property
    def trainable(self):
        """False when the layer is frozen. Assigning sets it for every layer inside as well."""
        return self._own_trainable

    @trainable.setter
    def trainable(self, value):
        for layer in self.all_layers():
            layer._own_trainable = bool(value)

    def get_weights(self):
        """The values of all variables as NumPy arrays, in the order of `weights`."""
        return [v.numpy().copy() for v in self.variables]

    def set_weights(self, weights):
        """Set all variables from arrays in the order of `weights`.

        Raises:
            ValueError: another number of arrays, or an array of another shape; nothing is changed then.
        """
        variables = self.variables
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

    def count_params(self):
        """Total number of scalars in all variables."""
        return sum(int(np.prod(v.shape)) for v in self.variables)


def _collect(value, layers, variables):
    """Append the layers and variables in a nest of lists, tuples and dicts."""
    if isinstance(value, LayerTree):
        layers.append(value)
    elif isinstance(value, Variable):
        variables.append(value)
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _collect(item, layers, variables)


def _unique(items):
    return list({id(item): item for item in items}.values())
