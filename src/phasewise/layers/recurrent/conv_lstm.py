"""Convolutional long short-term memory: ConvLSTM1D, ConvLSTM2D and ConvLSTM3D."""

from typing import Any

from phasewise.core.registry import register
from phasewise.core.types import Named, Shape
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.convolution.windowed import Sizes
from phasewise.layers.recurrent.conv_lstm_cell import ConvLSTMCell
from phasewise.layers.recurrent.layer_of_cell import LayerOfCell
from phasewise.layers.regularization.random_layer import Seed


class ConvLSTM(LayerOfCell):
    """What ConvLSTM1D, ConvLSTM2D and ConvLSTM3D share: all but their number of axes.

    `ConvLSTMCell` over the steps of a sequence: see there for the formula and the weights.

    Args:
        filters, kernel_size, strides, padding, data_format, dilation_rate, activation, recurrent_activation, use_bias,
            unit_forget_bias, dropout, recurrent_dropout, seed: as in `ConvLSTMCell`.
        kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint: as in `ConvLSTMCell`.
        activity_regularizer: of the output.
        return_sequences, return_state, go_backwards, stateful: as in `RNN`, whose `unroll` and `zero_output_for_mask` may be given
            by name.

    Input: (batch, time, *positions, channels), or (batch, time, channels, *positions) by `data_format`. Output: that of a step,
    (batch, *positions, filters), with `return_sequences` the time behind the batch; with `return_state` a tuple of it and the two
    states, of the shape of a step's. At the call, `initial_state` is a list of these, and `mask` a boolean (batch, time). The
    input's convolution is taken for all steps at once.

    Raises:
        ValueError: an argument is out of its range, or the kernel is larger than the input.

    Where it differs from Keras: a mask holds the rows that it names (Keras lays it over the axes of positions); positions may be
    unknown until the call, but in a stateful layer; the rest as in `RNN`.
    """

    rank = 0
    cell_arguments = (
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "data_format",
        "dilation_rate",
        "activation",
        "recurrent_activation",
        "use_bias",
        "kernel_initializer",
        "recurrent_initializer",
        "bias_initializer",
        "unit_forget_bias",
        "kernel_regularizer",
        "recurrent_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "recurrent_constraint",
        "bias_constraint",
        "dropout",
        "recurrent_dropout",
        "seed",
    )

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Named = "tanh",
        recurrent_activation: Named = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        recurrent_initializer: Named = "orthogonal",
        bias_initializer: Named = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Named = None,
        recurrent_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        recurrent_constraint: Named = None,
        bias_constraint: Named = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Seed = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ):
        cell = ConvLSTMCell(
            self.rank,
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="conv_lstm_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Builds the cell, and makes the states of a stateful layer, which are for inputs with as many positions."""
        super().build(sequences_shape, initial_state_shape)
        channel = 2 if self.cell.channels_first else self.rank + 2
        fixed = range(2, self.rank + 3) if self.stateful else [channel]
        self.input_spec = InputSpec(ndim=self.rank + 3, axes={axis: sequences_shape[axis] for axis in fixed})

    def _initial_state_for(self, sequences_shape):
        return self.cell.zeros_for((sequences_shape[0], *sequences_shape[2:]))


@register("layer")
class ConvLSTM1D(ConvLSTM):
    __doc__ = f"Convolutional LSTM over sequences of sequences: of lines of positions.\n{ConvLSTM.__doc__}"
    rank = 1


@register("layer")
class ConvLSTM2D(ConvLSTM):
    __doc__ = f"Convolutional LSTM over sequences of images.\n{ConvLSTM.__doc__}"
    rank = 2


@register("layer")
class ConvLSTM3D(ConvLSTM):
    __doc__ = f"Convolutional LSTM over sequences of volumes.\n{ConvLSTM.__doc__}"
    rank = 3
