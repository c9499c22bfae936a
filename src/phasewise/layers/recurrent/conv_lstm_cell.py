"""The cell of convolutional long short-term memory."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise.core import registry
from phasewise.core.arguments import check_count, check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.kernels import recurrent
from phasewise.kernels.recurrent_convolution import convolve_each, with_convolution
from phasewise.layer.config import unknown_argument
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.convolution.windowed import WHERE, Sizes, Windowed
from phasewise.layers.recurrent.cell import RecurrentCell
from phasewise.layers.recurrent.normalizing import NORMALIZATION
from phasewise.layers.regularization.random_layer import Seed, check_rate


@register("layer")
class ConvLSTMCell(Windowed, RecurrentCell):
    """One step of convolutional long short-term memory (Shi et al. 2015, without the peephole connections).

    With * a convolution and i, f, g, o the quarters of `x * kernel + bias + h * recurrent_kernel`, sigma the recurrent activation
    and phi the activation: `c' = sigma(f) c + sigma(i) phi(g)` and `h' = sigma(o) phi(c')`.

    Args:
        rank: 1, 2 or 3, the number of axes of positions.
        filters: positive int, the channels of the output and of both states.
        kernel_size: positive int, or one for each axis; of both kernels.
        strides, padding, data_format, dilation_rate: as in `Conv2D`, of the input's convolution; padding is "valid" or "same". The
            state's convolution keeps its positions.
        activation, recurrent_activation: names or functions of arrays; None for none.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        unit_forget_bias: whether the bias of the forget gate begins at 1 (Jozefowicz et al. 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout, recurrent_dropout: in [0, 1], the fractions of the inputs and of the state that are dropped in training, the rest
            scaled by 1 / (1 - rate): a mask for each gate, which holds for all steps of a sequence (Gal & Ghahramani 2016).
        seed: int or `phasewise.random.SeedGenerator`; the draws are then functions of it, the step and the layer's place in the
            model, else of the run's seed.

    Weights: kernel (*kernel_size, channels, 4 filters), recurrent_kernel (*kernel_size, filters, 4 filters), bias (4 filters,), in the
    order i, f, g, o.

    Input: (batch, *positions, channels), or the channels behind the batch by `data_format`, and the states before the step, a list
    of h and c. Output: the same axes, `filters` channels, the positions those of `Conv2D`; and the new states, of its shape.

    Raises:
        ValueError: an argument is out of its range, or the kernel is larger than the input.

    Where it differs from Keras, whose cell is not public: `state_size` is the channels of both states, and the config has `rank`.
    Rates outside of [0, 1] are refused, and 1 drops everything.
    """

    gates = 4
    fixed_by_build = ("rank", "filters", "units", "kernel_size", "use_bias", "data_format", *WHERE)
    ruled = ("kernel", "recurrent", "bias")

    def __init__(
        self,
        rank: int,
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
        kernel_constraint: Named = None,
        recurrent_constraint: Named = None,
        bias_constraint: Named = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Seed = None,
        **kwargs: Any,
    ):
        strangers = {name: kwargs[name] for name in NORMALIZATION if name in kwargs}
        if strangers:
            raise ValueError(unknown_argument(type(self), strangers))
        filters = check_count(type(self).__name__, "filters", filters)
        rules = {
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        super().__init__(
            filters,
            activation,
            recurrent_activation,
            use_bias,
            rules,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.rank = registry.one_of(type(self).__name__, "rank", rank, (1, 2, 3))
        self.filters = filters
        self.keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.refuse_both()
        self.unit_forget_bias = check_flag(type(self).__name__, "unit_forget_bias", unit_forget_bias)
        self.state_size = [filters, filters]

    # -- weights

    def build(self, inputs_shape: Shape, states_shape: Any = None) -> None:
        """Makes the kernels (*kernel_size, channels, 4 filters) and (*kernel_size, filters, 4 filters), and the bias."""
        channels, width = self.channels_of(inputs_shape), self.gates * self.filters
        self._positions = self.positions_after(inputs_shape)
        self.kernel = self.add_ruled((*self.kernel_size, channels, width), "kernel", "kernel")
        self.recurrent_kernel = self.add_ruled(
            (*self.kernel_size, self.filters, width), "recurrent_kernel", "recurrent"
        )
        self.bias = self._weight("bias", (width,), "bias") if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={1 if self.channels_first else -1: channels})
        self.built = True

    def first_bias(self, initializer: Callable[..., Array]) -> Callable[..., Array]:
        """The initializer, with ones for the forget gate."""
        if not self.unit_forget_bias:
            return initializer

        def first(shape, dtype=None):
            # On the host, as the initializers that draw nothing: three small programs would be compiled for it.
            parts = np.asarray(initializer((self.filters,), dtype)), np.asarray(initializer((2 * self.filters,), dtype))
            return np.concatenate([parts[0], np.ones(self.filters, parts[0].dtype), parts[1]])

        return first

    # -- a step, and all steps

    def step(self) -> Callable[..., tuple[Array, ...]]:
        """The function that `kernels.recurrent_convolution.with_convolution` takes."""
        return recurrent.lstm_step(self.activation, self.recurrent_activation)

    def over_time(
        self,
        inputs: Array,
        states: Sequence[Array],
        *,
        training: bool | None,
        sequences: bool,
        mask: Array | None = None,
        unroll: bool = False,
        first: Any = 0,
    ) -> tuple[Array | None, list[Array]]:
        """The cell over whole sequences: the input's convolution is taken for all steps at once.

        As `RecurrentCell.over_time`, whose steps are all alike here whatever the number of the first, for inputs (time, batch, *positions, channels) and states (batch, *positions, filters), all of
        them, and what comes out, with the channels where `data_format` says.
        """
        shape = inputs.shape[1:]
        around, positions = self.around(self.positions_of(shape)), self.positions_after(shape)
        self._check_states(states, self.shape_with(shape, positions, self.filters))
        inputs = self._channels_last(inputs.astype(self.compute_dtype))
        kept, kept_states = self._kept(inputs.shape, positions, training)
        projected = convolve_each(inputs, self.kernel.value, self.strides, around, self.dilation_rate, kept)
        if self.bias is not None:
            projected = projected + self.bias.value
        wide = jnp.promote_types(self.compute_dtype, jnp.float32)
        run, step = self._runner()
        outputs, last = run(
            step,
            sequences,
            unroll,
            projected,
            tuple(self._channels_last(jnp.asarray(state, wide)) for state in states),
            self.recurrent_kernel.value,
            kept_states,
            mask,
        )
        return (self._as_given(outputs) if sequences else None), [self._as_given(state) for state in last]

    def _runner(self):
        super()._runner()  # which tells of functions of a user's own
        return recurrent.recurrence_of_any_step, with_convolution(self.step())

    def _check_states(self, states, shape):
        found = [tuple(jnp.shape(state)) for state in states]
        if found != [shape, shape]:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes two states of shape {shape}, in which its outputs come for this input; it was "
                f"given {len(found)} of shape {', '.join(map(str, found))}."
            )

    def _channels_last(self, x):
        return jnp.moveaxis(x, -1 - self.rank, -1) if self.channels_first else x

    def _as_given(self, x):
        x = x.astype(self.compute_dtype)
        return jnp.moveaxis(x, -1, -1 - self.rank) if self.channels_first else x

    def _kept(self, shape, positions, training):
        """What multiplies inputs (time, batch, *positions, channels) and states: each None, or channels for each gate."""
        if not training:
            return None, None
        check_rate(self, self.dropout, "dropout")  # they may have been assigned
        check_rate(self, self.recurrent_dropout, "recurrent_dropout")
        return (
            self._mask((*shape[1:-1], self.gates * shape[-1]), self.dropout),
            self._mask((shape[1], *positions, self.gates * self.filters), self.recurrent_dropout),
        )

    # -- shapes and config

    def shapes_of_a_step(self, inputs_shape: Shape) -> tuple[Shape, list[Shape]]:
        """The shapes of the output and of both states for an input (batch, *positions, channels)."""
        shape = self.shape_with(inputs_shape, self.positions_after(inputs_shape), self.filters)
        return shape, [shape, shape]

    def compute_output_shape(self, inputs_shape: Shape, states_shape: Any = None) -> tuple[Shape, list[Shape]]:
        """The output's, and a list of the states'."""
        return self.shapes_of_a_step(inputs_shape)

    def zeros_for(self, inputs_shape: Shape) -> list[Array]:
        """Zeros for both states before an input of this shape."""
        return [jnp.zeros(shape, self.compute_dtype) for shape in self.shapes_of_a_step(inputs_shape)[1]]

    def get_initial_state(self, batch_size: int | None = None) -> list[Array]:
        """Zeros for both states, in the positions of the input that the cell was built for.

        Raises:
            ValueError: these are not known.
        """
        if None in self._positions:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} begins with zeros in as many positions as its outputs have, and these are not "
                f"known: {self._positions}. Give the sizes in Input, or initial_state at the call."
            )
        shape = self.shape_with((batch_size,), self._positions, self.filters)
        return [jnp.zeros(shape, self.compute_dtype) for _ in self.state_size]

    def get_config(self) -> Config:
        """Every argument."""
        config = super().get_config()
        del config["units"]
        own = {"rank": self.rank, "filters": self.filters, "unit_forget_bias": self.unit_forget_bias}
        return {**config, **own}
