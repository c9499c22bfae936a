"""The weights of a layer that is linear in its input, as channels before or after it enter them."""

import numpy as np

from phasewise.activations import linear
from phasewise.core import naming
from phasewise.models.folding.channels import Hindered, told


class LinearWeights:
    """Kernels and bias of a layer, in float64 until they are written.

    A subclass says where the channels are, and how factors on them enter its kernels.

    Attributes:
        layer: the layer; it keeps its weights until `write`.
        kernels: dict from the name of each weight but the bias to its value.
        bias: array (output channels,), zeros for a layer that has none.
    """

    names: tuple[str, ...] = ("kernel",)

    def __init__(self, layer, kernels=None, bias=None):
        self.layer = layer
        self.kernels = kernels or {name: np.asarray(getattr(layer, name), np.float64) for name in self.names}
        if bias is None:
            bias = np.zeros(self.output_channels) if layer.bias is None else np.asarray(layer.bias.numpy(), np.float64)
        self.bias = bias

    @property
    def input_channels(self):
        """How many channels the input has."""
        raise NotImplementedError

    @property
    def output_channels(self):
        """How many channels the output has."""
        raise NotImplementedError

    def input_axis(self, rank):
        """Which axis of a row holds the channels of the input, counted from 0, for a rank with the batch axis."""
        return 0 if getattr(self.layer, "data_format", None) == "channels_first" else rank - 2

    output_axis = input_axis

    def with_outputs(self, scale):
        """The kernels for which each channel of the output is multiplied."""
        raise NotImplementedError

    def with_inputs(self, scale):
        """The kernels that do what these do where each channel of the input has been divided."""
        raise NotImplementedError

    def of_constant(self, offset):
        """What comes out, without the bias, for an input that is `offset` everywhere.

        Raises:
            Hindered: that is not the same everywhere.
        """
        raise NotImplementedError

    def check_linear(self):
        """Raises `Hindered` where the output is more than a linear function of the input and the bias."""
        if self.layer.activation is not None and self.layer.activation is not linear:
            name = getattr(self.layer.activation, "__name__", type(self.layer.activation).__name__)
            raise Hindered(f"the activation {name!r} of {told(self.layer)} lies between")
        if self.layer.activity_regularizer is not None:
            raise Hindered(f"the activity regularizer of {self.layer.name!r} sees what lies between")

    def followed_by(self, channels):
        """The weights for which the layer gives `(y - mean) * scale + offset` where it gave y."""
        bias = (self.bias - channels.mean) * channels.scale + channels.offset
        return self._checked(self.with_outputs(channels.scale), bias)

    def preceded_by(self, channels, centred):
        """The weights for which the layer gives for x what it gave for `(x - mean) * scale + offset`.

        Args:
            channels: a `ChannelMap` along the input's channels.
            centred: whether the mean will have been taken off x.
        """
        offset = channels.offset if centred else channels.offset - channels.mean * channels.scale
        bias = self.bias + self.of_constant(offset) if offset.any() else self.bias
        return self._checked(self.with_inputs(channels.scale), bias)

    def _checked(self, kernels, bias):
        kernels = {**self.kernels, **kernels}
        with np.errstate(over="ignore"):
            written = [np.asarray(part, self._dtype) for part in (*kernels.values(), bias)]
        if not all(np.isfinite(part).all() for part in written):
            raise Hindered(f"the weights of {told(self.layer)} would not be finite")
        return type(self)(self.layer, kernels, bias)

    @property
    def _dtype(self):
        return getattr(self.layer, self.names[0]).dtype

    def write(self):
        """Put the weights into the layer, which gets a bias if it has none."""
        layer = self.layer
        if layer.bias is None:
            vars(layer)["use_bias"] = True  # with a weight to follow: to set it is refused
            with naming.path_part(getattr(layer, self.names[0]).path.rpartition("/")[0]):
                layer.bias = layer.add_weight(self.bias.shape, "zeros", name="bias")
        for name, kernel in self.kernels.items():
            getattr(layer, name).assign(kernel)
        layer.bias.assign(self.bias)
