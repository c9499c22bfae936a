"""What batch normalization does to channels in inference, and where these channels are on the other side of other layers."""

import dataclasses
import math

import numpy as np

from phasewise.activations import linear
from phasewise.layers import Activation, Flatten, Identity, Permute, RepeatVector, Reshape
from phasewise.layers.regularization.random_layer import RandomLayer
from phasewise.training.rows import is_ours

MOVERS = (Flatten, Permute, RepeatVector, Reshape)  # they move entries and compute nothing


class Hindered(Exception):
    """Why a layer cannot be folded, in words."""


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelMap:
    """`(x - mean) * scale + offset`, entry by entry: float64 arrays that broadcast against a row."""

    mean: np.ndarray
    scale: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, layer, rank):
        """What a `BatchNormalization` does in inference to an input of so many axes.

        Raises:
            Hindered: its statistics or weights are not finite, or have a variance of 0 and epsilon 0.
        """
        shape = [-1 if axis == layer.axis % rank else 1 for axis in range(1, rank)]
        mean, variance = (np.asarray(v.numpy(), np.float64) for v in (layer.moving_mean, layer.moving_variance))
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = 1 / np.sqrt(variance + layer.epsilon)
        if layer.gamma is not None:
            scale = scale * layer.gamma.numpy()
        offset = np.zeros_like(mean) if layer.beta is None else np.asarray(layer.beta.numpy(), np.float64)
        if not all(np.isfinite(part).all() for part in (mean, scale, offset)):
            raise Hindered("its statistics or weights give factors that are not finite")
        return cls(*(part.reshape(shape) for part in (mean, scale, offset)))

    def moved(self, function):
        """The map whose parts are `function` of these."""
        return ChannelMap(*(function(part) for part in (self.mean, self.scale, self.offset)))

    def along(self, axis, size):
        """The same map as arrays of shape (size,) along one axis of a row, counted from 0.

        Raises:
            Hindered: it differs along another axis.
        """

        def one(part):
            part = np.moveaxis(np.broadcast_to(part, [*part.shape[:axis], size, *part.shape[axis + 1 :]]), axis, -1)
            rows = part.reshape(-1, size)
            if (rows != rows[0]).any():
                raise Hindered("its channels lie along another axis")
            return rows[0]

        return self.moved(one)

    def equals(self, other):
        """Whether it is the same map of arrays of the same shape."""
        pairs = ((self.mean, other.mean), (self.scale, other.scale), (self.offset, other.offset))
        return all(np.array_equal(a, b) for a, b in pairs)


def before(step, channels):
    """`channels` of the output of `step` as channels of its input."""
    places = _places(step, channels)
    if places is None:
        return channels
    size = math.prod(step.inputs[0].shape[1:])

    def undo(part):
        found = np.empty(size)
        found[places] = part = np.broadcast_to(part, places.shape)
        if (found[places] != part).any():
            raise Hindered(f"{told(step.operation)} repeats entries that it treats differently")
        return found.reshape(step.inputs[0].shape[1:])

    return channels.moved(undo)


def after(step, channels):
    """`channels` of the input of `step` as channels of its output."""
    places = _places(step, channels)
    if places is None:
        return channels
    return channels.moved(lambda part: np.broadcast_to(part, step.inputs[0].shape[1:]).ravel()[places])


def _places(step, channels):
    """Which entry of a row of the input each entry of a row of the output is, as an array; None when all stay.

    Raises:
        Hindered: the step computes something, or sizes are unknown.
    """
    layer = step.operation
    if getattr(layer, "activity_regularizer", None) is not None:
        raise Hindered(f"the activity regularizer of {layer.name!r} sees what lies between")
    if passes(layer):
        return None
    if type(layer) not in MOVERS or not is_float32(layer):
        raise Hindered(f"{told(layer)} lies between")
    shape = step.inputs[0].shape[1:]
    if None in shape:
        raise Hindered(f"{told(layer)} lies between, with rows of unknown size, {shape}")
    return np.asarray(layer.call(np.arange(math.prod(shape)).reshape(1, *shape)))[0]


def passes(layer):
    """Whether `layer` hands on its input as it is, in inference."""
    if not is_float32(layer) or not is_ours(layer):
        return False
    return isinstance(layer, RandomLayer | Identity) or (isinstance(layer, Activation) and layer.activation is linear)


def is_float32(layer):
    """Whether `layer` computes with at least the digits that folded weights have."""
    return getattr(layer, "compute_dtype", None) in ("float32", "float64")


def told(layer):
    """A layer, or a function in a graph, in an error's words."""
    return f"{layer.name!r} ({type(layer).__name__})"
