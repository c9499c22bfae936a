"""Values and gradients of functions that read and write variables."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import jax

from phasewise.core import logits, masking, variable
from phasewise.core.types import Array, Nest
from phasewise.core.variable import Variable
from phasewise.layer.added_losses import collected_losses, record_loss
from phasewise.training.output_masks import attach_each

_loss = ContextVar("phasewise_loss_of_step", default=None)


def value_and_grad(
    function: Callable[..., Any],
    variables: Sequence[Variable] | None = None,
    *,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
) -> Callable[..., tuple[Any, Nest]]:
    """The function that gives the value of `function` and its gradients: `jax.value_and_grad` for code with variables.

    In a `train_step`, in a `call`, or in a loop of one's own. What `function` writes (moving statistics, metrics) is written once, as if it
    had been called alone; in `jax.grad` itself such writes would be lost in the trace.

    Args:
        function: returns a scalar; with `has_aux` a pair of a scalar and a nest of arrays.
        variables: what the gradients are taken with respect to, as `model.trainable_variables`. None: the arguments.
        argnums: the places of the arguments, where `variables` is None.
        has_aux: see `function`.

    Returns:
        A function of the same arguments. It returns (value, gradients), or ((value, aux), gradients). For `variables` the gradients are a
        list in their order, zeros where a variable has no part in the value (where TensorFlow gives None).

    Raises:
        TypeError: JAX's: the value is no scalar, or what it is differentiated by is no floating array.

    Example:
        >>> (loss, prediction), gradients = phasewise.value_and_grad(loss_of, model.trainable_variables, has_aux=True)(x, y)
    """

    def differentiated(*args, **kwargs):
        chosen = None if variables is None else list(variables)
        left = _Left()

        def run(values, *args):
            scoped, given = ([], []) if chosen is None else (chosen, values)
            with variable.scope(scoped, given) as held, collected_losses() as losses:
                result = function(*args, **kwargs)
                value, aux = result if has_aux else (result, None)
                return value, (aux, left.taken(held, losses, aux))

        if chosen is None:
            places = tuple(n + 1 for n in argnums) if isinstance(argnums, tuple) else argnums + 1
            values = ()
        else:
            places, values = 0, [v.raw for v in chosen]
        with _noted_loss_of(left):
            (value, (aux, carried)), gradients = jax.value_and_grad(run, argnums=places, has_aux=True)(values, *args)
        left.put(carried, aux)
        if left.noted_loss:
            note_loss(value)
        return ((value, aux) if has_aux else value), gradients

    return differentiated


def grad(
    function: Callable[..., Any],
    variables: Sequence[Variable] | None = None,
    *,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """As `value_and_grad`, without the value: gradients, or (gradients, aux) as `jax.grad` gives them.

    Example:
        >>> slopes = phasewise.grad(lambda images: critic(images).sum())(images)
    """
    both = value_and_grad(function, variables, argnums=argnums, has_aux=has_aux)

    def gradients(*args, **kwargs):
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradients


class _Left:
    """What a function leaves behind in its trace: variables that it wrote, losses that layers added, masks and logits of its outputs."""

    def __init__(self):
        self._variables, self._owners = [], []
        self.noted_loss = False

    def taken(self, held, losses, aux):
        """As arrays, which leave the trace with the outputs."""
        self._variables, self._owners = list(held.written.values()), list(losses.owners)
        masks = [masking.of(leaf) for leaf in jax.tree.leaves(aux)]
        return held.collect(self._variables), list(losses), masks, logits.of_each(aux)

    def put(self, carried, aux):
        """Outside of the trace what it was inside."""
        values, losses, masks, found = carried
        for each, value in zip(self._variables, values, strict=True):
            each.assign(value)
        for owner, term in zip(self._owners, losses, strict=True):
            record_loss(owner, term)
        attach_each(aux, masks)
        logits.note_each(aux, found)


# -- the loss of a step


@contextlib.contextmanager
def noting_loss() -> Iterator[list[Array]]:
    """Yields a list whose last entry is the loss that was computed last inside the block."""
    token = _loss.set(noted := [])
    try:
        yield noted
    finally:
        _loss.reset(token)


def note_loss(value: Array) -> None:
    """This is the loss of the step that is traced."""
    if _loss.get() is not None:
        _loss.get().append(value)


@contextlib.contextmanager
def _noted_loss_of(left):
    with noting_loss() as noted:
        yield
    left.noted_loss = bool(noted)


def noted_loss() -> Array | None:
    """The loss that was computed last in the step that is traced; None where none was."""
    return _loss.get()[-1] if _loss.get() else None
