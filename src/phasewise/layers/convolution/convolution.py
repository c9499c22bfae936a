"""Convolution: Conv1D, Conv2D and Conv3D."""

from typing import Any

from phasewise.core.arguments import check_count, is_count
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.kernels.convolution import convolve
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.convolution.windowed import WHERE, Sizes, Windowed


class Convolution(Windowed):
    """What Conv1D, Conv2D and Conv3D share: all but their number of axes.

    `activation(y + bias)`, where y[p, f] is the sum over q and c of inputs[p * strides + q * dilation_rate, c] * kernel[q, c, f]: as
    the field has it, the kernel is not flipped (LeCun et al. 1989). Sums are float32 at least, rounded once under half precision.

    Args:
        filters: positive int, the channels of the output; divisible by `groups`.
        kernel_size: positive int, or one for each axis.
        strides: positions from one output to the next: positive int, or one for each axis.
        padding: "valid" for none; "same": zeros on both sides, the odd one behind, so that strides of 1 keep the size; in Conv1D
            "causal", too: all zeros in front, so that no output sees a later step (van den Oord et al. 2016).
        data_format: "channels_last", the default, or "channels_first".
        dilation_rate: positions from one entry of the kernel to the next: positive int, or one for each axis; above 1 only where
            strides are 1 (Yu & Koltun 2016).
        groups: positive int that divides both numbers of channels: these are cut into so many groups, and each group of the
            output sees one of the input (Krizhevsky et al. 2012).
        activation: name or function of arrays; None for none.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers.
        kernel_regularizer, bias_regularizer: added to the loss.
        activity_regularizer: of the output.
        kernel_constraint, bias_constraint: applied after each update.

    Input: (batch, *positions, channels), or the channels behind the batch by `data_format`; integers are taken as numbers.
    Output: the same axes, `filters` channels. Of n positions, with span = (kernel_size - 1) * dilation_rate + 1, "valid" makes
    floor((n - span) / strides) + 1, and the others ceil(n / strides). A mask ends here, as in Keras.

    Raises:
        ValueError: an argument is out of its range, `groups` do not divide the channels, or the kernel is larger than the input.

    Where it differs from Keras: there is no `lora_rank`.
    """

    fixed_by_build = ("filters", "kernel_size", "groups", "use_bias", "data_format", *WHERE)
    ruled = ("kernel", "bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        groups: int = 1,
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
        kind = type(self).__name__
        _warn_of_keras_1(self, *self._given[0])
        self.filters, self.groups = check_count(kind, "filters", filters), check_count(kind, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(
                f"{kind}'s filters must be divisible by groups; got filters={filters} and groups={groups}."
            )
        self.keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.refuse_both()
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
        """Makes the kernel (*kernel_size, channels / groups, filters) and the bias (filters,)."""
        channels = self.channels_of(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has groups={self.groups}, which do not divide the {channels} channels of an input of "
                f"shape {tuple(input_shape)} with data_format={self.data_format!r}."
            )
        self.positions_after(input_shape)
        self.kernel = self.add_ruled((*self.kernel_size, channels // self.groups, self.filters), "kernel", "kernel")
        self.bias = self.add_bias(self.filters)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={1 if self.channels_first else -1: channels})
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The layer's output."""
        self.positions_after(inputs.shape)
        kernel = self.kernel.value
        outputs = convolve(
            inputs.astype(kernel.dtype),
            kernel,
            self.strides,
            self.around(self.positions_of(inputs.shape)),
            self.dilation_rate,
            groups=self.groups,
            channels_first=self.channels_first,
        )
        return self.finished(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *positions, filters), or channels first."""
        return self.shape_with(input_shape, self.positions_after(input_shape), self.filters)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


def _warn_of_keras_1(layer, filters=None, kernel_size=None, strides=None, *others):
    """In Keras 1 the numbers behind the filters were the rows and columns of the kernel: Convolution2D(32, 3, 3) in many a tutorial."""
    is_odd = is_count(kernel_size, 3) and kernel_size % 2 == 1
    if layer.rank > 1 and is_odd and is_count(strides) and strides == kernel_size:
        warn(
            f"{type(layer).__name__}({filters}, {kernel_size}, {strides}) has strides={strides}. If that was the kernel's size, as in Keras 1, "
            f"write kernel_size=({kernel_size}, {strides}); if not, strides={strides} by its name.",
            PhasewiseWarning,
        )


@register("layer", "Convolution1D")
class Conv1D(Convolution):
    __doc__ = f"Convolution along time, or along any one axis.\n{Convolution.__doc__}"
    rank = 1
    paddings = ("valid", "same", "causal")


@register("layer", "Convolution2D")
class Conv2D(Convolution):
    __doc__ = f"Convolution over images.\n{Convolution.__doc__}"
    rank = 2


@register("layer", "Convolution3D")
class Conv3D(Convolution):
    __doc__ = f"Convolution over volumes, or over images along time.\n{Convolution.__doc__}"
    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
