"""Which layers around a batch normalization can take it into their weights, and the weights that they then have."""

import collections

import numpy as np

from phasewise.layers import BatchNormalization, Rescaling
from phasewise.models.folding.absorbers import ABSORBERS
from phasewise.models.folding.channels import ChannelMap, Hindered, after, before, is_float32, told
from phasewise.models.folding.report import Fold

FAR = 4  # a mean of more standard deviations than this is subtracted, not folded: a bias would have to cancel it


class Neighbours:
    """The layers of a flat list of steps, as they are folded one after the other.

    Args:
        model: the model that was copied.
        copies: dict from the identity of a layer of `model` to its copy.
        steps: those of the copy.
        calls: what was observed in the model: a layer that is called where no graph shows it is left alone.

    Attributes:
        weights: dict from the identity of a layer of the copy to the weights that it will have.
        gone: dict from the identity of a folded normalization of the copy to what takes its place: a layer, or None.
    """

    def __init__(self, model, copies, steps, calls):
        self.weights, self.gone = {}, {}
        self._copies = copies
        self._steps = collections.defaultdict(list)
        for step in steps:
            self._steps[id(step.operation)].append(step)
        observed = collections.Counter(id(call.layer) for call in calls)
        self._hidden = {id(copy) for layer, copy in copies.items() if observed[layer] != len(self._steps[id(copy)])}
        held = {id(layer): {id(v) for v in layer._found().variables} for layer in model._inventory().layers}
        owners = collections.Counter(v for variables in held.values() for v in variables)
        self._tied = {id(copy) for layer, copy in copies.items() if any(owners[v] > 1 for v in held[layer])}

    def fold_all(self, layers):
        """Fold what can be folded of these normalization layers of the model.

        Returns:
            (list of `Fold`, dict from the name of each layer that is left to why), in the order of the layers.
        """
        folds, hindrances = {}, {}
        while True:
            found = len(folds)
            for layer in layers:
                if id(layer) in folds:
                    continue
                try:
                    folds[id(layer)] = self._fold(layer)
                except Hindered as why:
                    hindrances[id(layer)] = str(why)
            if len(folds) == found:
                break
        left = {}
        for layer in layers:
            if id(layer) not in folds:
                left[_unlike(layer.name, left)] = hindrances[id(layer)]
        return [folds[id(layer)] for layer in layers if id(layer) in folds], left

    def _fold(self, original):
        layer = self._copies.get(id(original))
        if type(layer) is not BatchNormalization or id(layer) in self._hidden:
            kind = type(original)
            raise Hindered(
                "it is called inside a layer that fold cannot look into"
                if kind is BatchNormalization
                else f"{kind.__name__} is a class of its own"
            )
        if layer.activity_regularizer is not None:
            raise Hindered("its activity regularizer sees its output")
        if id(layer) in self._tied:
            raise Hindered("it shares a weight with another layer")
        if not is_float32(layer):
            raise Hindered(f"it computes in {layer.compute_dtype}")
        try:
            return self._fold_back(layer)
        except Hindered as error:
            no_way_back = error
        try:
            return self._fold_on(layer)
        except Hindered as error:
            raise Hindered(f"before it, {no_way_back}; after it, {error}") from None

    def _fold_back(self, layer):
        """Into what comes before it."""
        found = [self._behind(step) for step in self._steps[id(layer)]]
        self._adopt(layer, None, self._weights(found, lambda weights, channels: weights.followed_by(channels)))
        return Fold(layer.name, _names(found), "after")

    def _fold_on(self, layer):
        """Into what comes after it."""
        steps = self._steps[id(layer)]
        found = [pair for step in steps for pair in self._ahead(step)]
        channels = ChannelMap.of(layer, len(steps[0].inputs[0].shape))
        deviation = np.sqrt(layer.moving_variance.numpy().astype(np.float64) + layer.epsilon)
        centred = bool((np.abs(channels.mean.ravel()) > FAR * deviation).any())
        stand_in = None
        if centred:
            offset = -channels.mean.astype(np.float32)
            stand_in = Rescaling(1.0, offset, name=layer.name, dtype=layer.dtype_policy)
        self._adopt(layer, stand_in, self._weights(found, lambda weights, each: weights.preceded_by(each, centred)))
        return Fold(layer.name, _names(found), "before", centred)

    def _adopt(self, layer, stand_in, weights):
        self.weights.update(weights)
        self.gone[id(layer)] = stand_in

    def _weights(self, found, enter):
        """The new weights of the layers that were found, by identity.

        Args:
            found: (step, channels) for each call: a `ChannelMap` along the channels of its layer.
            enter: function of weights and channels that gives the new weights.
        """
        by_layer = collections.defaultdict(list)
        for step, channels in found:
            by_layer[id(step.operation)].append((step, channels))
        new = {}
        for key, calls in by_layer.items():
            (step, channels), layer = calls[0], calls[0][0].operation
            if {id(each) for each, _ in calls} != {id(each) for each in self._steps[key]} or key in self._hidden:
                raise Hindered(f"{told(layer)} is called elsewhere, too")
            if not all(channels.equals(other) for _, other in calls[1:]):
                raise Hindered(f"the calls of {told(layer)} see different channels")
            new[key] = enter(self._current(layer), channels)
        return new

    def _current(self, layer):
        """The weights of a layer that can take something in, as they are by now."""
        if id(layer) in self._tied:
            raise Hindered(f"{told(layer)} shares a weight with another layer")
        if not is_float32(layer):
            raise Hindered(f"{told(layer)} computes in {layer.compute_dtype}")
        return self.weights.get(id(layer)) or ABSORBERS[type(layer)](layer)

    def _behind(self, step):
        """The (step, channels) of the layer whose output arrives at the normalization `step`."""
        value = step.inputs[0]
        channels = ChannelMap.of(step.operation, len(value.shape))
        while True:
            source = value.source
            if source is None:
                raise Hindered("there is an input of the model")
            if len(value.uses) > 1 or value.is_output:
                raise Hindered(f"{told(source.operation)} is followed by a branch: {_branches(value)}")
            layer = source.operation
            if type(layer) in ABSORBERS:
                weights = self._current(layer)
                weights.check_linear()
                axis = weights.output_axis(len(value.shape))
                return source, channels.along(axis, weights.output_channels)
            channels = self._across(source, channels, before)
            value = source.inputs[0]

    def _ahead(self, step):
        """(step, channels) for every layer at which the output of the normalization `step` arrives."""
        value = step.outputs[0]
        open_, found = [(value, ChannelMap.of(step.operation, len(value.shape)))], []
        while open_:
            value, channels = open_.pop()
            branches = f"{told(value.source.operation)} is followed by a branch: {_branches(value)}; there "
            begin = branches if len(value.uses) > 1 or (value.uses and value.is_output) else ""
            if value.is_output:
                raise Hindered(begin + "there is an output of the model")
            for use in value.uses:
                is_there = type(use.operation) in ABSORBERS
                try:
                    pair = self._entering(use, value, channels) if is_there else self._passing(use, channels)
                except Hindered as error:
                    raise Hindered(f"{begin}{error}") from None
                (found if is_there else open_).append(pair)
        return found

    def _entering(self, use, value, channels):
        """(step, channels) where `value` enters the step `use` of a layer that can take something in."""
        weights = self._current(use.operation)
        return use, channels.along(weights.input_axis(len(value.shape)), weights.input_channels)

    def _passing(self, use, channels):
        """(value, channels) behind the step `use` of any other layer."""
        return use.outputs[0], self._across(use, channels, after)

    def _across(self, step, channels, move):
        """`channels` on the other side of a step."""
        if id(step.operation) not in self.gone:
            return move(step, channels)
        if self.gone[id(step.operation)] is not None:
            raise Hindered(f"the mean of {step.operation.name!r} is subtracted in between")
        return channels


def _unlike(name, taken):
    """`name`, numbered where layers of several models in the model bear it."""
    number = sum(each == name or each.startswith(f"{name} (") for each in taken)
    return f"{name} ({number + 1})" if number else name


def _names(found):
    return tuple(dict.fromkeys(step.operation.name for step, _ in found))


def _branches(value):
    names = [repr(step.operation.name) for step in value.uses]
    return f"its output goes to {' and '.join([*names, *(['the end of the model'] if value.is_output else [])])}"
