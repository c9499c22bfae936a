"""What the simple, the LSTM and the GRU cell have in common: their arguments, their weights, their dropout."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise import activations, constraints, initializers, regularizers
from phasewise.core import random, registry
from phasewise.core.arguments import check_count, check_flag
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.kernels import recurrent
from phasewise.kernels.matrix_product import matrix_product
from phasewise.layer.layer import Layer
from phasewise.layers.recurrent.normalizing import Normalizing, normalized_over_time
from phasewise.layers.recurrent.time_loop import time_of_step
from phasewise.layers.regularization.random_layer import Seed, as_seed, check_rate
from phasewise.switch import observe

WEIGHTS = ("kernel", "recurrent", "bias")
_FAMILIES = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


class RecurrentCell(Normalizing, Layer):
    """A cell that `RNN` knows how to run over a whole sequence at once. Subclass it with `gates` and `step`.

    Args:
        units: positive int, size of the state and the output.
        activation, recurrent_activation: names or functions of arrays; None for none.
        use_bias: whether to add a bias.
        rules: an initializer, a regularizer and a constraint for each of `WEIGHTS`, by Keras's names.
        dropout, recurrent_dropout: in [0, 1], the fractions of the inputs and of the state to drop.
        seed: what dropout draws from.
        implementation: 1 draws a mask for each gate, 2 one for all; recurrent dropout always has one for each.
        normalization: None, "batch" or "layer".
        normalization_steps, normalization_momentum, normalization_epsilon: as in `LSTMCell`.
        owner: the class that its user knows, for messages.
    """

    gates = 1
    fixed_by_build = ("units", "use_bias", "normalization", "normalization_steps")

    def __init__(
        self,
        units: int,
        activation: Named,
        recurrent_activation: Named,
        use_bias: bool,
        rules: Mapping[str, Named],
        dropout: float,
        recurrent_dropout: float,
        seed: Seed,
        implementation: int = 2,
        normalization: str | None = None,
        normalization_steps: int = 100,
        normalization_momentum: float = 0.99,
        normalization_epsilon: float = 1e-5,
        owner: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        kind = self._owner = owner or type(self).__name__
        self.units = check_count(kind, "units", units)
        self.activation = activations.get(activation)
        if self._has_gates:
            self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = check_flag(kind, "use_bias", use_bias)
        for name, rule in rules.items():
            setattr(self, name, _FAMILIES[name.rpartition("_")[2]].get(rule))
        self.dropout = check_rate(kind, dropout, "dropout")
        self.recurrent_dropout = check_rate(kind, recurrent_dropout, "recurrent_dropout")
        self.seed = as_seed(self, seed)
        self.implementation = registry.one_of(kind, "implementation", implementation, (1, 2))
        self._set_normalization(normalization, normalization_steps, normalization_momentum, normalization_epsilon)
        self.state_size = self.output_size = self.units

    @property
    def _has_gates(self):
        return self.gates > 1

    @property
    def acts_by_phase(self) -> bool:
        """Whether it drops anything in training."""
        return self.dropout > 0 or self.recurrent_dropout > 0

    # -- weights

    def build(self, input_shape: Shape) -> None:
        """Makes the kernel (features, gates * units), the recurrent kernel (units, gates * units) and the bias."""
        features, width = input_shape[-1], self.gates * self.units
        if features is None:
            raise ValueError(
                f"{self._owner} {self.terms_name!r} needs a known last axis; its input has shape {tuple(input_shape)}. Give that "
                "size in Input."
            )
        self.kernel = self._weight("kernel", (features, width), "kernel")
        self.recurrent_kernel = self._weight("recurrent_kernel", (self.units, width), "recurrent")
        self.bias = self._weight("bias", self.bias_shape(width), "bias") if self.use_bias else None
        self.make_terms()
        self.built = True

    def _weight(self, name, shape, rules):
        made = {kind: getattr(self, f"{rules}_{kind}") for kind in _FAMILIES}
        if name == "bias":
            made["initializer"] = self.first_bias(made["initializer"])
        return self.add_weight(shape, name=name, **made)

    def bias_shape(self, width: int) -> tuple[int, ...]:
        """The shape of the bias where the kernels have `width` columns."""
        return (width,)

    def first_bias(self, initializer: Callable[..., Array]) -> Callable[..., Array]:
        """The initializer of the bias."""
        return initializer

    def biases(self) -> tuple[Array | None, Array | None]:
        """(what is added to the input's product, what is added to the state's); None for nothing.

        In the step a bias costs nothing; added to the product of all inputs it would be one more look at a large array.
        """
        return None, (None if self.bias is None else self.bias.value)

    # -- a step, and all steps

    def call(self, inputs: Array, states: Sequence[Array], training: bool | None = None) -> tuple[Array, Any]:
        """One step: `(output, states)` for inputs (batch, features) and the states before them, as a list or a single array."""
        is_list = isinstance(states, list | tuple)
        given = list(states) if is_list else [states]
        with random.for_all_times():  # a cell of a user's own may call this one at each step of a sequence
            _, new = self.over_time(inputs[None], given, training=training, sequences=False, first=time_of_step())
        return new[0], new if is_list else new[0]

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
        """The cell over whole sequences: the input's product with the kernel is taken for all steps at once.

        Args:
            inputs: (time, batch, features).
            states: one (batch, units) for each of the cell's.
            training: whether dropout drops: one mask for all steps.
            sequences: whether the outputs of all steps are wanted.
            mask: boolean (time, batch), or None: where it is False the state, which is the output, is held.
            unroll: whether the loop is written out.
            first: number of the first step, by which statistics are chosen; may be traced.

        Returns:
            (outputs (time, batch, units) or None, list of the last states), in the compute dtype.
        """
        inputs = inputs.astype(self.compute_dtype)
        wide = jnp.promote_types(self.compute_dtype, jnp.float32)
        kept, kept_states = self._masks(inputs.shape, training)
        bias, recurrent_bias = self.biases()
        states = tuple(jnp.asarray(state, wide) for state in states)
        if self.normalization is None:
            projected = _projected(inputs, self.kernel.value, bias, kept)
            run, step = self._runner()
            weights = self.recurrent_kernel.value, recurrent_bias
            outputs, last = run(step, sequences, unroll, projected, states, weights, kept_states, mask)
        else:
            outputs, last = normalized_over_time(
                self,
                inputs,
                states,
                (kept, kept_states),
                training,
                sequences=sequences,
                mask=mask,
                unroll=unroll,
                first=first,
            )
        return (
            None if outputs is None else outputs.astype(self.compute_dtype),
            [state.astype(self.compute_dtype) for state in last],
        )

    def step(self) -> Callable[..., tuple[Array, ...]]:
        """The function that `kernels.recurrent.recurrence` takes for this cell."""
        raise NotImplementedError(f"{type(self).__name__} must define `step`.")

    def _runner(self):
        if not self.has_own_functions():
            return recurrent.recurrence, self.step()
        return recurrent.recurrence_of_any_step, recurrent.with_product(self.step())

    def has_own_functions(self) -> bool:
        """Whether an activation is a function of its user's, which is told: what it reads besides its argument could not be told from
        what it read in an earlier trace."""
        used = [self.activation, getattr(self, "recurrent_activation", None)]
        strangers = [function for function in used if function is not None and not _is_plain(function)]
        for function in strangers:
            observe.note_function(function)
        return bool(strangers)

    # -- dropout

    def _masks(self, shape, training):
        """What multiplies inputs of this shape and states in training: each None or (batch, 1 or gates, features)."""
        if not training:
            return None, None
        check_rate(self._owner, self.dropout, "dropout")  # they may have been assigned
        check_rate(self._owner, self.recurrent_dropout, "recurrent_dropout")
        masks = self.gates if self.implementation == 1 or self.recurrent_dropout > 0 else 1
        return (
            self._mask((shape[1], masks, shape[2]), self.dropout),
            self._mask((shape[1], masks, self.units), self.recurrent_dropout),
        )

    def _mask(self, shape, rate):
        if rate == 0:
            return None
        if rate == 1:
            return jnp.zeros(shape, self.compute_dtype)
        bits = self.draw_bits(shape, self.seed)
        kept = bits >= np.uint32(min(round(rate * 2**32), 2**32 - 1))
        return kept.astype(self.compute_dtype) / (1 - rate)

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """What dropout drops."""
        if not training or not self.acts_by_phase:
            return "drops nothing"
        parts = [(self.dropout, "the inputs"), (self.recurrent_dropout, "the state")]
        return "drops " + ", ".join(f"{rate:.0%} of {what}" for rate, what in parts if rate > 0)

    # -- shapes and config

    def get_initial_state(self, batch_size: int | None = None) -> list[Array]:
        """Zeros (batch_size, units) for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [jnp.zeros((batch_size, size), self.compute_dtype) for size in sizes]

    def get_config(self) -> Config:
        """Every argument."""
        config = {"units": self.units, "activation": registry.serialize(self.activation)}
        if self._has_gates:
            config["recurrent_activation"] = registry.serialize(self.recurrent_activation)
        rules = [f"{weight}_{kind}" for kind in _FAMILIES for weight in WEIGHTS]
        return {
            **super().get_config(),
            **config,
            "use_bias": self.use_bias,
            **{rule: registry.serialize(getattr(self, rule)) for rule in rules},
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": registry.serialize(self.seed),
            **self.normalization_config(),
        }


def _projected(inputs, kernel, bias, kept):
    """The product of inputs (time, batch, features) with the kernel, thinned by what dropout keeps of them, and the bias."""
    if kept is not None and kept.shape[1] > 1:
        by_gate = kernel.reshape(kernel.shape[0], kept.shape[1], -1)
        product = jnp.einsum("tbgf,fgu->tbgu", inputs[:, :, None] * kept, by_gate)
        product = product.reshape(*inputs.shape[:2], -1)
    else:
        product = matrix_product(inputs if kept is None else inputs * kept[:, 0], kernel)
    return product if bias is None else product + bias


def _is_plain(function):
    """Whether an activation is a function of this library or of JAX, which reads nothing but its argument."""
    module = getattr(function, "__module__", None) or ""
    return hasattr(function, "__name__") and module.split(".")[0] in ("phasewise", "jax")
