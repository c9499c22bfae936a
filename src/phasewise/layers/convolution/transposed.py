"""Transposed convolution: Conv1DTranspose, Conv2DTranspose and Conv3DTranspose."""

from typing import Any

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.kernels.convolution import convolve_transposed
from phasewise.kernels.convolution_sizes import transposed_around, transposed_output_size
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.convolution.windowed import WHERE, Sizes, Windowed


class TransposedConvolution(Windowed):
    """What Conv1DTranspose, Conv2DTranspose and Conv3DTranspose share.

    `activation(y + bias)`, where each entry of the input, times the kernel, is added to y around its place: the gradient of a
    convolution by its input (Zeiler et al. 2010). It goes the way of a convolution with the same arguments backwards, in shapes.

    Args:
        filters: positive int, the channels of the output.
        kernel_size: positive int, or one for each axis.
        strides: positions of the output from one entry of the input to the next: positive int, or one for each axis.
        padding: "valid" for all that the kernel reaches, or "same" for `strides` times the size of the input.
        output_padding: None, or how many positions more there are at the end: less than `strides`, one int or one for each axis.
        data_format: "channels_last", the default, or "channels_first".
        dilation_rate: positions from one entry of the kernel to the next; above 1 only where strides are 1.
        activation: name or function of arrays; None for none.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers.
        kernel_regularizer, bias_regularizer: added to the loss.
        activity_regularizer: of the output.
        kernel_constraint, bias_constraint: applied after each update.

    Input: (batch, *positions, channels), or the channels behind the batch by `data_format`. Output: the same axes, `filters`
    channels. Of n positions, with span = (kernel_size - 1) * dilation_rate + 1, "valid" makes (n - 1) * strides + span +
    output_padding (None: n * strides at least) and "same" (n - 1) * strides + span % 2 + output_padding (None: n * strides).
    A mask ends here.

    Raises:
        ValueError: an argument is out of its range, or the output would be empty.
    """

    fixed_by_build = ("filters", "kernel_size", "use_bias", "data_format", *WHERE, "output_padding")
    ruled = ("kernel", "bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        output_padding: Sizes | None = None,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Named = None,
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        bias_constraint: Named = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = check_count(type(self).__name__, "filters", filters)
        self.keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.refuse_both()
        self.output_padding = None if output_padding is None else self.sizes("output_padding", output_padding, 0)
        if self.output_padding and any(more >= stride for more, stride in zip(self.output_padding, self.strides)):
            raise ValueError(
                f"{type(self).__name__}'s output_padding must be less than its strides; got output_padding={self.output_padding} and "
                f"strides={self.strides}."
            )
        self.keep_rules(
            activation,
            use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Shape) -> None:
        """Makes the kernel (*kernel_size, filters, channels) and the bias (filters,)."""
        channels = self.channels_of(input_shape)
        self.compute_output_shape(input_shape)
        self.kernel = self.add_ruled((*self.kernel_size, self.filters, channels), "kernel", "kernel")
        self.bias = self.add_bias(self.filters)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={1 if self.channels_first else -1: channels})
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The layer's output."""
        kernel = self.kernel.value
        padding = tuple(
            transposed_around(self.padding, *each)
            for each in zip(self._more(), self.kernel_size, self.strides, self.dilation_rate)
        )
        outputs = convolve_transposed(
            inputs.astype(kernel.dtype),
            kernel,
            self.strides,
            padding,
            self.dilation_rate,
            channels_first=self.channels_first,
        )
        return self.finished(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *positions, filters), or channels first."""
        positions = self.positions_of(input_shape)
        axes = zip(self._more(), positions, self.kernel_size, self.strides, self.dilation_rate)
        found = tuple(transposed_output_size(self.padding, *each) for each in axes)
        if any(size is not None and size < 1 for size in found):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} would make an empty output of {' x '.join(map(str, found))} positions of an input of "
                f"shape {tuple(input_shape)}, with kernel_size={self.kernel_size}, padding={self.padding!r} and output_padding="
                f"{self.output_padding}."
            )
        return self.shape_with(input_shape, found, self.filters)

    def _more(self):
        return self.output_padding or (None,) * self.rank

    def get_config(self) -> Config:
        """Every argument."""
        more = None if self.output_padding is None else list(self.output_padding)
        return {**super().get_config(), "filters": self.filters, "output_padding": more}


@register("layer", "Convolution1DTranspose")
class Conv1DTranspose(TransposedConvolution):
    __doc__ = f"Transposed convolution along time, or along any one axis.\n{TransposedConvolution.__doc__}"
    rank = 1


@register("layer", "Convolution2DTranspose")
class Conv2DTranspose(TransposedConvolution):
    __doc__ = f"Transposed convolution over images.\n{TransposedConvolution.__doc__}"
    rank = 2


@register("layer", "Convolution3DTranspose")
class Conv3DTranspose(TransposedConvolution):
    __doc__ = f"Transposed convolution over volumes. As in Keras, `data_format` comes before `output_padding`.\n{TransposedConvolution.__doc__}"
    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Sizes | None = None,
        dilation_rate: Sizes = 1,
        activation: Named = None,
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        bias_constraint: Named = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )


Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
