"""Depthwise convolution: DepthwiseConv1D and DepthwiseConv2D."""

from types import MappingProxyType
from typing import Any

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.kernels.convolution import convolve_depthwise
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.convolution.windowed import WHERE, Sizes, Windowed


class DepthwiseConvolution(Windowed):
    """What DepthwiseConv1D and DepthwiseConv2D share: all but their number of axes.

    Each channel is convolved by itself with `depth_multiplier` kernels of its own: `activation(y + bias)`, where channel
    c * depth_multiplier + m of y[p] is the sum over q of inputs[p * strides + q * dilation_rate, c] * kernel[q, c, m] (Sifre 2014).

    Args:
        kernel_size: positive int, or one for each axis.
        strides: positions from one output to the next: positive int, or one for each axis.
        padding: "valid" for none, or "same": zeros on both sides, the odd one behind.
        depth_multiplier: positive int, channels of the output for each one of the input.
        data_format: "channels_last", the default, or "channels_first".
        dilation_rate: positions from one entry of the kernel to the next: positive int, or one for each axis.
        activation: name or function of arrays; None for none.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: initializers.
        depthwise_regularizer, bias_regularizer: added to the loss.
        activity_regularizer: of the output.
        depthwise_constraint, bias_constraint: applied after each update.

    Input: (batch, *positions, channels), or the channels behind the batch by `data_format`; integers are taken as numbers.
    Output: the same axes, channels * depth_multiplier channels, the positions those of `Conv1D`. A mask ends here, as in Keras.

    Raises:
        ValueError: an argument is out of its range, or the kernel is larger than the input.
    """

    fixed_by_build = ("kernel_size", "depth_multiplier", "use_bias", "data_format", *WHERE)
    weights_of_rules = MappingProxyType({"depthwise": "kernel"})
    ruled = ("depthwise", "bias")

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Named = None,
        use_bias: bool = True,
        depthwise_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        depthwise_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        depthwise_constraint: Named = None,
        bias_constraint: Named = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = check_count(type(self).__name__, "depth_multiplier", depth_multiplier)
        self.keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.keep_rules(
            activation,
            use_bias,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Shape) -> None:
        """Makes the kernel (*kernel_size, channels, depth_multiplier) and the bias (channels * depth_multiplier,)."""
        channels = self.channels_of(input_shape)
        self.positions_after(input_shape)
        self.kernel = self.add_ruled((*self.kernel_size, channels, self.depth_multiplier), "kernel", "depthwise")
        self.bias = self.add_bias(channels * self.depth_multiplier)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={1 if self.channels_first else -1: channels})
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The layer's output."""
        self.positions_after(inputs.shape)
        kernel = self.kernel.value
        outputs = convolve_depthwise(
            inputs.astype(kernel.dtype),
            kernel,
            self.strides,
            self.around(self.positions_of(inputs.shape)),
            self.dilation_rate,
            channels_first=self.channels_first,
        )
        return self.finished(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *positions, channels * depth_multiplier), or channels first."""
        channels = self.channels_of(input_shape) * self.depth_multiplier
        return self.shape_with(input_shape, self.positions_after(input_shape), channels)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


@register("layer")
class DepthwiseConv1D(DepthwiseConvolution):
    __doc__ = f"Depthwise convolution along time, or along any one axis.\n{DepthwiseConvolution.__doc__}"
    rank = 1


@register("layer")
class DepthwiseConv2D(DepthwiseConvolution):
    __doc__ = f"Depthwise convolution over images.\n{DepthwiseConvolution.__doc__}"
    rank = 2
