"""Calls that change nothing: values are given to variables, and what is assigned to them is collected."""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp

from phasewise.core import made_by, random, variable
from phasewise.core.operators import resolved
from phasewise.core.types import Array, ArrayLike, Nest
from phasewise.core.variable import Variable
from phasewise.layer.added_losses import collected_losses

_SAMPLED = 1024  # entries of a variable that have a part in the seed


class StatelessScope:
    """Inside the block variables have the values that are given here, and assignments to them stay here: a function that calls layers is pure,
    to be jitted and differentiated.

        with phasewise.StatelessScope([(v, value) for v, value in zip(model.variables, values)]) as scope:
            outputs = model(x, training=True)
        news = [scope.get_current_value(v) for v in model.non_trainable_variables]

    `layer.stateless_call` is this around a call; `phasewise.pure(model)` the same with dicts, and a seed.

    Args:
        state_mapping: list of (variable, array of its shape). Variables that are not among them are read as they are; in jitted code that
            makes a constant of their value.
        collect_losses: whether `losses` are kept.
        initialize_variables: accepted for Keras's sake: weights that are made inside have their values at once.

    Attributes:
        losses: with `collect_losses` what layers have added.

    What layers draw inside follows from the values given (and the inputs, in `stateless_call`) and the process's seed: in jitted code it changes
    with them alone. Where one computation is to draw anew, use `phasewise.pure`, which takes a seed and a step.

    Raises:
        ValueError: what is given a value is no variable, or the value has another shape.
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, ArrayLike]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ):
        pairs = [(each, _checked(each, value)) for each, value in state_mapping or ()]
        self._variables, self._values = [each for each, _ in pairs], [value for _, value in pairs]
        self.collect_losses, self.initialize_variables = collect_losses, initialize_variables
        self.losses: list[Array] = []
        self._sources: Nest = ()
        self._held = None

    def drawing_from(self, inputs: Nest) -> Self:
        """The scope, in which what is drawn depends on these inputs too."""
        self._sources = inputs
        return self

    def __enter__(self) -> Self:
        self._around = contextlib.ExitStack()
        self._held = self._around.enter_context(variable.scope(self._variables, self._values))
        if not random.in_scope():
            self._around.enter_context(random.scope(_seed(self._values, self._sources), 0))
        self._around.enter_context(made_by.remembered())
        added = self._around.enter_context(collected_losses())
        if self.collect_losses:
            self.losses = added
        return self

    def __exit__(self, *raised: object) -> None:
        self._around.__exit__(*raised)

    def add_loss(self, loss: ArrayLike) -> None:
        """One more of `losses`."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, ArrayLike]) -> None:
        """Let a variable have a value from here on: `(variable, value)`."""
        each, value = update
        self._entered().write(each, _checked(each, value))

    def get_current_value(self, variable: Variable) -> Array | None:
        """The value that a variable was given or assigned here; None for none. It may be asked for after the block too."""
        return self._entered().own(variable)

    def _entered(self):
        if self._held is None:
            raise RuntimeError("The StatelessScope has not been entered: with phasewise.StatelessScope(...) as scope.")
        return self._held


class Stateless:
    """The part of a layer that is called without changing anything."""

    def stateless_call(
        self,
        trainable_variables: Sequence[ArrayLike],
        non_trainable_variables: Sequence[ArrayLike],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Call the layer with these values of its variables, none of which changes.

        Args:
            trainable_variables, non_trainable_variables: arrays, or variables, in the order of the attributes of these names.
            args, kwargs: of the call.
            return_losses: whether the losses are returned too: those added in the call, and of regularizers.

        Returns:
            (outputs, new values of the non-trainable variables), and the list of losses.

        Raises:
            ValueError: the layer is not built, or has other numbers or shapes of variables.
        """
        if not self.built:
            raise ValueError(f"{self.name!r} has no weights yet: call it on data, or build it, before stateless_call.")
        trained, others = self.trainable_variables, self.non_trainable_variables
        given = {"trainable_variables": trainable_variables, "non_trainable_variables": non_trainable_variables}
        for (name, values), own in zip(given.items(), (trained, others)):
            if len(values) != len(own):
                raise ValueError(f"{self.name!r} has {len(own)} {name}; stateless_call was given {len(values)}.")
        pairs = zip([*trained, *others], [*trainable_variables, *non_trainable_variables])
        with StatelessScope(pairs, return_losses).drawing_from((args, kwargs)) as scope:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else None
        news = [scope.get_current_value(each) for each in others]
        return (outputs, news, losses) if return_losses else (outputs, news)


def _checked(each, value):
    if not isinstance(each, Variable):
        raise ValueError(f"A StatelessScope gives values to variables: (variable, value) pairs; got {each!r}.")
    array = jnp.asarray(resolved(value), each._value.dtype)
    if array.shape != each.shape:
        raise ValueError(
            f"Variable {each.path!r} has shape {each.shape}; StatelessScope was given a value of shape {array.shape}."
        )
    return array


def _seed(values, inputs):
    """A number that changes with the values: what jitted code draws must not be a constant of it."""
    seed = jnp.uint32(random.fresh_seed())
    arrays = [each for each in jax.tree.leaves(inputs) if hasattr(each, "dtype") and each.dtype != object]
    for array in [*(value.reshape(-1)[:_SAMPLED] for value in values), *map(jnp.asarray, arrays)]:
        seed = seed * jnp.uint32(1664525) + _bits(array).sum(dtype=jnp.uint32)
    return seed


def _bits(array):
    if jnp.issubdtype(array.dtype, jnp.floating):
        return jax.lax.bitcast_convert_type(array.astype(jnp.float32), jnp.uint32)
    return jnp.real(array).astype(jnp.uint32)
