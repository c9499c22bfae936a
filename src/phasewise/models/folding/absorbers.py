"""How what happens to channels before or after a layer enters its weights: one class for each class of layers, in `ABSORBERS`."""

import numpy as np

from phasewise.activations import linear
from phasewise.core import naming
from phasewise.layers import Dense
from phasewise.models.folding.channels import Hindered, told


class DenseWeights:
    """The kernel and bias of a `Dense`, in float64 until they are written.

    A class for another kind of layer has the same: `input_axis` and `output_axis` (of the channels in a row, counted from
    0, for a rank with the batch axis), `input_channels` and `output_channels`, `check_linear`, `followed_by`,
    `preceded_by`, `write`.
    """

    def __init__(self, layer, kernel=None, bias=None):
        self.layer = layer
        self.kernel = np.asarray(layer.kernel.numpy(), np.float64) if kernel is None else kernel
        if bias is None:
            bias = np.zeros(layer.units) if layer.bias is None else np.asarray(layer.bias.numpy(), np.float64)
        self.bias = bias

    def input_axis(self, rank):
        """Which axis of a row holds the channels of the input."""
        return rank - 2

    output_axis = input_axis

    @property
    def input_channels(self):
        """How many channels the input has."""
        return self.kernel.shape[0]

    @property
    def output_channels(self):
        """How many channels the output has."""
        return self.kernel.shape[1]

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
        return self._checked(self.kernel * channels.scale, bias)

    def preceded_by(self, channels, centred):
        """The weights for which the layer gives for x what it gave for `(x - mean) * scale + offset`.

        Args:
            channels: a `ChannelMap` along the input's channels.
            centred: whether the mean will have been taken off x.
        """
        offset = channels.offset if centred else channels.offset - channels.mean * channels.scale
        return self._checked(self.kernel * channels.scale[:, None], self.bias + offset @ self.kernel)

    def _checked(self, kernel, bias):
        with np.errstate(over="ignore"):
            written = [np.asarray(kernel, self.layer.kernel.dtype), np.asarray(bias, self.layer.kernel.dtype)]
        if not all(np.isfinite(part).all() for part in written):
            raise Hindered(f"the weights of {told(self.layer)} would not be finite")
        return DenseWeights(self.layer, kernel, bias)

    def write(self):
        """Put the weights into the layer, which gets a bias if it has none."""
        layer = self.layer
        if layer.bias is None:
            vars(layer)["use_bias"] = True  # with a weight to follow: to set it is refused
            with naming.path_part(layer.kernel.path.rpartition("/")[0]):
                layer.bias = layer.add_weight((layer.units,), "zeros", name="bias")
        layer.kernel.assign(self.kernel)
        layer.bias.assign(self.bias)


ABSORBERS = {Dense: DenseWeights}
