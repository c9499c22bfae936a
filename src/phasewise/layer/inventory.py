"""What one look through the tree below a layer finds, kept until something in the tree has changed.

Changes of attributes, of `trainable` and of the set of weights are counted (`phasewise.core.structure`). Lists and dicts can
change in place without anyone knowing, so those that were seen are compared with what they held: a comparison of identities,
far cheaper than another look.
"""

import itertools
from operator import is_

from phasewise.core import structure
from phasewise.core.variable import Variable
from phasewise.metrics.metric import Metric


class Found:
    """The layers, variables and metrics that lie directly in a layer, and the lists and dicts that could come to hold others."""

    def __init__(self):
        self.layers, self.variables, self.metrics, self.containers = [], [], [], []

    def collect(self, value, is_layer):
        """Note what a value is or holds: a layer, a variable, a metric, or a nest of lists, tuples and dicts of them."""
        if is_layer(value):
            self.layers.append(value)
            return
        if isinstance(value, Variable):
            self.variables.append(value)
        if isinstance(value, Metric):
            self.metrics.append(value)
        if isinstance(value, list | dict):
            self.containers.append(value)
        if isinstance(value, list | tuple | dict):
            for item in _items(value):
                self.collect(item, is_layer)


class Inventory:
    """The tree below `root`, as it is now.

    Attributes:
        layers: `root` and every layer inside it, parents first; each once.
        numbers: the place of each in `layers`, by identity.
        variables: all variables, those of parents first; in each layer those made trainable first.
        memory: those that hold what layers remember from batch to batch.
        remembers: whether some layer does, be it built or not.
        trained, others: the variables that gradients update, and the rest.
        metrics: the metrics that layers hold, whose accumulators are none of the variables.
        notes: dict, for what others work out for the tree and want to find again as long as it stays the same.
        key: hashable; equal for trees of the same layers and variables of which the same are trainable, by the same
            rules and dtype policies, and which hold the same metrics.
    """

    def __init__(self, root):
        self._version, self._root = structure.version(), id(root)
        self.notes = {}
        self._watched, self._empty, metrics, seen, stack = [], [], [], {}, [root]
        while stack:
            layer = stack.pop()
            if id(layer) not in seen:
                found = layer._found()
                self._watched += [(c, _items(c)) for c in found.containers if c]
                self._empty += [c for c in found.containers if not c]
                seen[id(layer)] = layer, sorted(found.variables, key=lambda v: not v.made_trainable)
                metrics += found.metrics
                stack.extend(reversed(found.layers))
        self.layers = [layer for layer, _ in seen.values()]
        self.variables = unique(v for _, own in seen.values() for v in own)
        self.memory = [v for v in self.variables if v.is_memory]
        self.remembers = any(layer.remembers for layer in self.layers)
        self.numbers = {id(layer): number for number, layer in enumerate(self.layers)}
        self.trained, self.others = self._split(root)
        self.metrics = unique(metrics)
        self.key = Key(
            (
                tuple((id(each), each._own_trainable, each.dtype_policy.name) for each in self.layers),
                tuple((v.trainable, v.revision) for v in self.variables),
                tuple(self.metrics),
            )
        )

    def holds_for(self, root):
        """Whether a new look through the tree below `root` would find the same."""
        if self._version != structure.version() or self._root != id(root):  # another root: this came along with a copy
            return False
        return not any(self._empty) and all(itertools.starmap(_is_as_before, self._watched))

    def _split(self, root):
        if not root._own_trainable:
            return [], self.variables
        frozen = {id(v) for layer in self.layers if not layer._own_trainable for v in layer.variables}
        trained = [v for v in self.variables if v.trainable and id(v) not in frozen]
        kept = {id(v) for v in trained}
        return trained, [v for v in self.variables if id(v) not in kept]


class Key:
    """A tuple whose hash is computed once: it is as long as the model is deep."""

    __slots__ = ("_hash", "_parts")

    def __init__(self, parts):
        self._parts, self._hash = parts, hash(parts)

    def __hash__(self):
        return self._hash

    def __eq__(self, other):
        return self is other or (isinstance(other, Key) and self._parts == other._parts)


def unique(items):
    """The items, each once, in order."""
    return list({id(item): item for item in items}.values())


def _items(container):
    return tuple(container.values() if isinstance(container, dict) else container)


def _is_as_before(container, items):
    now = container.values() if isinstance(container, dict) else container
    return len(container) == len(items) and all(map(is_, now, items))
