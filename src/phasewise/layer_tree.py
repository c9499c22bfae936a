"""The tree of layers: sublayers found in attributes, lists, tuples and dicts, and the weights they own together."""

import numpy as np

from phasewise.variable import Variable

_NOT_SEARCHED = frozenset({"_given", "_own_variables", "_last_losses", "_nodes", "_seen_output", "programs"})


class LayerTree:
    """What a layer knows about the layers and weights inside it."""

    def sublayers(self):
        """The layers directly inside this one, in the order in which they were assigned; each once."""
        return _unique(found for value in self._searched() for found in _find(value, LayerTree))

    def all_layers(self):
        """This layer and every layer inside it, parents first; each once."""
        found, stack = {}, [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                stack.extend(reversed(layer.sublayers()))
        return list(found.values())

    def _searched(self):
        """The attribute values in which sublayers and variables are looked for."""
        kinds = (LayerTree, Variable, list, tuple, dict)
        return [value for key, value in vars(self).items() if isinstance(value, kinds) and key not in _NOT_SEARCHED]

    def own_variables(self):
        """The variables of this layer itself, those made trainable first."""
        own = self._own_variables + [v for value in self._searched() for v in _find(value, Variable)]
        return [v for v in own if v.made_trainable] + [v for v in own if not v.made_trainable]

    @property
    def variables(self):
        """All variables: this layer's own, trainable first, then those of the layers inside it, in order."""
        return _unique(v for layer in self.all_layers() for v in layer.own_variables())

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
        variables = self.variables
        if not self._own_trainable:
            return [], variables
        frozen = {id(v) for layer in self.all_layers() if not layer._own_trainable for v in layer.variables}
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


def _find(value, kind):
    """The objects of `kind` in a nest of lists, tuples and dicts."""
    if isinstance(value, kind):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return []
    return [found for item in value for found in _find(item, kind)]


def _unique(items):
    return list({id(item): item for item in items}.values())
