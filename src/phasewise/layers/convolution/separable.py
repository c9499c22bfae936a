"""Separable convolution: SeparableConv1D and SeparableConv2D."""

from types import MappingProxyType
from typing import Any

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.kernels.convolution import convolve, convolve_depthwise
from phasewise.kernels.convolution_sizes import Around
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.convolution.windowed import WHERE, Sizes, Windowed


class SeparableConvolution(Windowed):
    """What SeparableConv1D and SeparableConv2D share: all but their number of axes.

    A depthwise convolution, and one with a kernel of size 1 that mixes channels: `activation(y + bias)`, where y[p] is
    depthwise(inputs)[p] @ pointwise_kernel (Chollet 2017).

    Args:
        filters: positive int, the channels of the output.
        kernel_size: positive int, or one for each axis.
        strides: positions from one output to the next: positive int, or one for each axis.
        padding: "valid" for none, or "same": zeros on both sides, the odd one behind.
        data_format: "channels_last", the default, or "channels_first".
        dilation_rate: positions from one entry of the kernel to the next: positive int, or one for each axis.
        depth_multiplier: positive int, channels between the two convolutions for each one of the input.
        activation: name or function of arrays; None for none.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: initializers.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: added to the loss.
        activity_regularizer: of the output.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied after each update.

    Input: (batch, *positions, channels), or the channels behind the batch by `data_format`; integers are taken as numbers.
    Output: the same axes, `filters` channels, the positions those of `Conv1D`. A mask ends here, as in Keras.

    Raises:
        ValueError: an argument is out of its range, or the kernel is larger than the input.
    """

    fixed_by_build = ("filters", "kernel_size", "depth_multiplier", "use_bias", "data_format", *WHERE)
    weights_of_rules = MappingProxyType({"depthwise": "depthwise_kernel", "pointwise": "pointwise_kernel"})
    ruled = ("depthwise", "pointwise", "bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        depth_multiplier: int = 1,
        activation: Named = None,
        use_bias: bool = True,
        depthwise_initializer: Named = "glorot_uniform",
        pointwise_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        depthwise_regularizer: Named = None,
        pointwise_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        depthwise_constraint: Named = None,
        pointwise_constraint: Named = None,
        bias_constraint: Named = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = check_count(type(self).__name__, "filters", filters)
        self.depth_multiplier = check_count(type(self).__name__, "depth_multiplier", depth_multiplier)
        self.keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.keep_rules(
            activation,
            use_bias,
            depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Shape) -> None:
        """Makes depthwise_kernel (*kernel_size, channels, depth_multiplier), pointwise_kernel (1, …, channels * depth_multiplier,
        filters) and the bias (filters,)."""
        channels = self.channels_of(input_shape)
        self.positions_after(input_shape)
        between = channels * self.depth_multiplier
        self.depthwise_kernel = self.add_ruled(
            (*self.kernel_size, channels, self.depth_multiplier), "depthwise_kernel", "depthwise"
        )
        self.pointwise_kernel = self.add_ruled(
            (*(1,) * self.rank, between, self.filters), "pointwise_kernel", "pointwise"
        )
        self.bias = self.add_bias(self.filters)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={1 if self.channels_first else -1: channels})
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The layer's output."""
        self.positions_after(inputs.shape)
        kernel, ones = self.depthwise_kernel.value, (1,) * self.rank
        between = convolve_depthwise(
            inputs.astype(kernel.dtype),
            kernel,
            self.strides,
            self.around(self.positions_of(inputs.shape)),
            self.dilation_rate,
            channels_first=self.channels_first,
        )
        nothing = (Around(0, 0),) * self.rank
        pointwise = self.pointwise_kernel.value
        return self.finished(convolve(between, pointwise, ones, nothing, ones, channels_first=self.channels_first))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *positions, filters), or channels first."""
        return self.shape_with(input_shape, self.positions_after(input_shape), self.filters)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "filters": self.filters, "depth_multiplier": self.depth_multiplier}


@register("layer", "SeparableConvolution1D")
class SeparableConv1D(SeparableConvolution):
    __doc__ = f"Separable convolution along time, or along any one axis.\n{SeparableConvolution.__doc__}"
    rank = 1


@register("layer", "SeparableConvolution2D")
class SeparableConv2D(SeparableConvolution):
    __doc__ = f"Separable convolution over images.\n{SeparableConvolution.__doc__}"
    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
