"""The gated recurrent unit, and its cell."""

from collections.abc import Callable
from typing import Any

from phasewise.core.arguments import check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named
from phasewise.kernels import normalized_recurrence, recurrent
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.recurrent.cell import RecurrentCell
from phasewise.layers.recurrent.layer_of_cell import LayerOfCell, check_cudnn
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class GRUCell(RecurrentCell):
    """One step of the gated recurrent unit (Cho et al. 2014).

    With z, r, n the thirds of `x @ kernel + bias[0]` and of `h @ recurrent_kernel + bias[1]`, sigma the recurrent activation and
    phi the activation: `h' = Z h + (1 - Z) phi(x_n + R h_n)` where `Z = sigma(x_z + h_z)` and `R = sigma(x_r + h_r)`. Without
    `reset_after` there is one bias, and R multiplies h before its product, as published.

    Args:
        units: positive int, size of the output and of the state.
        activation, recurrent_activation: names or functions of arrays; None for none.
        use_bias: whether to add a bias.
        reset_after: whether the reset gate comes after the product with the recurrent kernel.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout, recurrent_dropout: in [0, 1], the fractions of the inputs and of the state that are dropped in training, the rest
            scaled by 1 / (1 - rate). One mask holds for all steps of a sequence (Gal & Ghahramani 2016); with `implementation=1`, or
            where the state is dropped, one for each gate.
        seed: int or `phasewise.random.SeedGenerator`; the draws are then functions of it, the step and the layer's place in the
            model, else of the run's seed.
        normalization: None, "batch" or "layer": how the terms of the step are normalized, the products of input and state; see
            below.
        normalization_steps: positive int, for how many steps there are moving statistics of their own; later ones share the last.
        normalization_momentum: in [0, 1], the weight of the past in the moving statistics.
        normalization_epsilon: at least 0, added to a variance. As in the paper, and smaller than in `BatchNormalization`: products
            with a state that gamma keeps small have a variance of about 1e-3.

    Normalized, `x @ kernel` and `h @ recurrent_kernel` (without `reset_after` the product of R h too) go through BN before
    their bias is added. With "batch", BN is batch normalization over the rows, at each step by itself (Cooijmans et al. 2017,
    "Recurrent Batch Normalization", equations 6 to 8); with "layer", each row by its own moments (Ba et al. 2016, section 3.1,
    r and z together and n by itself). Each term has a gamma that begins at 0.1, and none a beta. "batch" follows the switch as
    `BatchNormalization` does: in training the batch's moments normalize and the moving statistics follow; in inference these
    do, or what `statistics=` says. Each term is a layer of its own in `cell.terms`, with a row in `explain()`, statistics that
    `recalibrate` finds, and `trainable`. Masked rows are in no moment. A step that no batch has reached is normalized as the
    nearest one before it. Steps are counted from the first of each call, a stateful layer's too. A cell called by itself,
    outside of a loop over time, is at step 0.

    Weights: kernel (features, 3 units), recurrent_kernel (units, 3 units), bias (2, 3 units), without `reset_after` (3 units,),
    in the order z, r, n. Normalized, those of the terms behind them: gamma, moving_mean and moving_variance
    (normalization_steps, channels), initial_share (normalization_steps,).

    Input: (batch, features), and the states before the step, a list of one. Output: (batch, units), and the new states.

    Where it differs from Keras: the mask is drawn anew at each call of the cell by itself, and kept for the sequence in `RNN`;
    rates outside of [0, 1] are refused, and 1 drops everything. `normalization` and what goes with it is ours: a config has it
    only where it is used.
    """

    gates = 3
    fixed_by_build = ("units", "use_bias", "reset_after")

    def __init__(
        self,
        units: int,
        activation: Named = "tanh",
        recurrent_activation: Named = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        recurrent_initializer: Named = "orthogonal",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        recurrent_regularizer: Named = None,
        bias_regularizer: Named = None,
        kernel_constraint: Named = None,
        recurrent_constraint: Named = None,
        bias_constraint: Named = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
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
        self.reset_after = check_flag(self._owner, "reset_after", reset_after)

    def bias_shape(self, width: int) -> tuple[int, ...]:
        """One for the input's product and one for the state's where the reset gate comes after that."""
        return (2, width) if self.reset_after else (width,)

    def biases(self) -> tuple[Array | None, Array | None]:
        """(what is added to the input's product, what is added to the state's)."""
        if self.bias is None:
            return None, None
        return tuple(self.bias.value) if self.reset_after else (self.bias.value, None)

    def step(self) -> Callable[..., tuple[Array, ...]]:
        """The function that `kernels.recurrent.recurrence` takes; without `reset_after`, `recurrence_of_any_step`."""
        kind = recurrent.gru_step if self.reset_after else recurrent.gru_step_reset_before
        return kind(self.activation, self.recurrent_activation)

    def _runner(self):
        run, step = super()._runner()
        return (run, step) if self.reset_after else (recurrent.recurrence_of_any_step, self.step())

    def normalized_runner(self, normalizers: tuple[Any, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The function of `kernels.normalized_recurrence` for this cell, and its first arguments."""
        if self.reset_after:
            return super().normalized_runner(normalizers)
        self.has_own_functions()
        step = normalized_recurrence.gru_step_reset_before(self.activation, self.recurrent_activation, normalizers)
        return normalized_recurrence.normalized_recurrence_of_any_step, (step,)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "reset_after": self.reset_after}


@register("layer")
class GRU(LayerOfCell):
    """GRUCell over the steps of a sequence: see there for the formula, the arguments and the weights.

    Args:
        units, activation, recurrent_activation, use_bias, reset_after, dropout, recurrent_dropout, seed: as in `GRUCell`.
        kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint: as in `GRUCell`.
        activity_regularizer: of the output.
        normalization, normalization_steps, normalization_momentum, normalization_epsilon: as in `GRUCell`.
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
        "kernel_regularizer",
        "recurrent_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "recurrent_constraint",
        "bias_constraint",
        "dropout",
        "recurrent_dropout",
        "seed",
        "reset_after",
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
        reset_after: bool = True,
        use_cudnn: bool | str = "auto",
        *,
        normalization: str | None = None,
        normalization_steps: int = 100,
        normalization_momentum: float = 0.99,
        normalization_epsilon: float = 1e-5,
        **kwargs: Any,
    ):
        cell = GRUCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            reset_after=reset_after,
            seed=seed,
            implementation=kwargs.pop("implementation", 2),
            normalization=normalization,
            normalization_steps=normalization_steps,
            normalization_momentum=normalization_momentum,
            normalization_epsilon=normalization_epsilon,
            owner=type(self).__name__,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="gru_cell",
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
        self.use_cudnn = check_cudnn("GRU", use_cudnn)
