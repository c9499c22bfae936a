"""Long short-term memory, and its cell."""

from collections.abc import Callable
from typing import Any

import numpy as np

from phasewise import activations
from phasewise.core.arguments import check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named
from phasewise.kernels import recurrent
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.recurrent.cell import RecurrentCell
from phasewise.layers.recurrent.layer_of_cell import LayerOfCell, check_cudnn
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class LSTMCell(RecurrentCell):
    """One step of long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    With i, f, g, o the quarters of `x @ kernel + bias + h @ recurrent_kernel`, sigma the recurrent activation and phi the
    activation: `c' = sigma(f) c + sigma(i) phi(g)` and `h' = sigma(o) phi(c')`.

    Args:
        units: positive int, size of the output and of both states.
        activation, recurrent_activation: names or functions of arrays; None for none.
        use_bias: whether to add a bias.
        unit_forget_bias: whether the bias of the forget gate begins at 1 (Jozefowicz et al. 2015).
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout, recurrent_dropout: in [0, 1], the fractions of the inputs and of the state that are dropped in training, the rest
            scaled by 1 / (1 - rate). One mask holds for all steps of a sequence (Gal & Ghahramani 2016); with `implementation=1`, or
            where the state is dropped, one for each gate.
        seed: int or `phasewise.random.SeedGenerator`; the draws are then functions of it, the step and the layer's place in the
            model, else of the run's seed.
        normalization: None, "batch" or "layer": how the terms of the step are normalized, the products of input and state, and
            c' on its way to the output; see below.
        normalization_steps: positive int, for how many steps there are moving statistics of their own; later ones share the last.
        normalization_momentum: in [0, 1], the weight of the past in the moving statistics.
        normalization_epsilon: at least 0, added to a variance. As in the paper, and smaller than in `BatchNormalization`: products
            with a state that gamma keeps small have a variance of about 1e-3.

    Normalized, the sum of products is `BN(x @ kernel) + BN(h @ recurrent_kernel) + bias`, and `h' = sigma(o) phi(BN(c'))`. With
    "batch", BN is batch normalization over the rows, at each step by itself (Cooijmans et al. 2017, "Recurrent Batch
    Normalization", equations 6 to 8); with "layer", each row by its own moments (Ba et al. 2016). Each term has a gamma that
    begins at 0.1 and that of c' a beta. "batch" follows the switch as `BatchNormalization` does: in training the batch's
    moments normalize and the moving statistics follow; in inference these do, or what `statistics=` says. Each term is a layer
    of its own in `cell.terms`, with a row in `explain()`, statistics that `recalibrate` finds, and `trainable`. Masked rows are
    in no moment. A step that no batch has reached is normalized as the nearest one before it. Steps are counted from the first
    of each call, a stateful layer's too. A cell called by itself, outside of a loop over time, is at step 0.

    Weights: kernel (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units,), in the order i, f, g, o.
    Normalized, those of the terms behind them: gamma, (beta,) moving_mean and moving_variance (normalization_steps, channels),
    initial_share (normalization_steps,).

    Input: (batch, features), and the states before the step, a list of h and c. Output: (batch, units), and the new states.

    Where it differs from Keras: the mask is drawn anew at each call of the cell by itself, and kept for the sequence in `RNN`;
    rates outside of [0, 1] are refused, and 1 drops everything. `normalization` and what goes with it is ours: a config has it
    only where it is used.
    """

    gates = 4
    normalizes_carry = True

    def __init__(
        self,
        units: int,
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
        *,
        normalization: str | None = None,
        normalization_steps: int = 100,
        normalization_momentum: float = 0.99,
        normalization_epsilon: float = 1e-5,
        **kwargs: Any,
    ):
        super().__init__(
            units,
            activation,
            recurrent_activation,
            use_bias,
            {
                "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
            },
            dropout,
            recurrent_dropout,
            seed,
            normalization=normalization,
            normalization_steps=normalization_steps,
            normalization_momentum=normalization_momentum,
            normalization_epsilon=normalization_epsilon,
            **kwargs,
        )
        self.unit_forget_bias = check_flag(self._owner, "unit_forget_bias", unit_forget_bias)
        self.state_size = [self.units, self.units]

    def first_bias(self, initializer: Callable[..., Array]) -> Callable[..., Array]:
        """The initializer, with ones for the forget gate."""
        if not self.unit_forget_bias:
            return initializer

        def first(shape, dtype=None):
            # On the host, as the initializers that draw nothing: three small programs would be compiled for it.
            parts = np.asarray(initializer((self.units,), dtype)), np.asarray(initializer((2 * self.units,), dtype))
            return np.concatenate([parts[0], np.ones(self.units, parts[0].dtype), parts[1]])

        return first

    def step(self) -> Callable[..., tuple[Array, ...]]:
        """The function that `kernels.recurrent.recurrence` takes."""
        is_standard = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        return recurrent.lstm_step(self.activation, self.recurrent_activation, is_standard)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


@register("layer")
class LSTM(LayerOfCell):
    """LSTMCell over the steps of a sequence: see there for the formula, the arguments and the weights.

    Args:
        units, activation, recurrent_activation, use_bias, unit_forget_bias, dropout, recurrent_dropout, seed: as in `LSTMCell`.
        kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint: as in `LSTMCell`.
        activity_regularizer: of the output.
        normalization, normalization_steps, normalization_momentum, normalization_epsilon: as in `LSTMCell`.
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask: as in `RNN`.
        use_cudnn: "auto" or False; accepted, XLA compiles the loop either way.

    Input: (batch, time, features). Output: that of `RNN`. The input's product with its kernel is taken for all steps at once.
    """

    cell_arguments = (
        "units",
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
        units: int,
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
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        *,
        normalization: str | None = None,
        normalization_steps: int = 100,
        normalization_momentum: float = 0.99,
        normalization_epsilon: float = 1e-5,
        **kwargs: Any,
    ):
        cell = LSTMCell(
            units,
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
            implementation=kwargs.pop("implementation", 2),
            normalization=normalization,
            normalization_steps=normalization_steps,
            normalization_momentum=normalization_momentum,
            normalization_epsilon=normalization_epsilon,
            owner=type(self).__name__,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="lstm_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=3)
        self.use_cudnn = check_cudnn("LSTM", use_cudnn)
