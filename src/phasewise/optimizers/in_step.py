"""Optimizers that a step of a user's own applies: their state is read and written as the step's, not as the object's.

While such a step is traced, `optimizer.state` is what the program carries. Which optimizers there are, and for which variables, is found
by tracing the step once before.
"""

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import jax

from phasewise.core import variable

_active = ContextVar("phasewise_optimizers_in_step", default=None)


class InStep:
    """The optimizers of one trace of a step.

    Attributes:
        optimizers: list of (optimizer, its variables) in the order in which they were first applied.
    """

    def __init__(self):
        self.optimizers, self._kept, self._scaled = [], [], set()

    def hold(self, optimizer: Any, variables: Sequence[Any], state: Any) -> None:
        """Let the optimizer have this state until the trace ends."""
        self._kept.append((optimizer, optimizer.state))
        self.optimizers.append((optimizer, list(variables)))
        optimizer.state = state

    def release(self) -> None:
        """Every optimizer has the state again that it had before."""
        for optimizer, state in self._kept:
            optimizer.state = state

    def ready(self, optimizer: Any, variables: Sequence[Any]) -> None:
        """The optimizer is about to be applied to these variables.

        Raises:
            ValueError: it was applied to others in the same step; or it scales the loss, and this loss was not scaled.
        """
        self._require_scaled(optimizer)
        known = next((each for other, each in self.optimizers if other is optimizer), None)
        if known is None:
            with variable.eager(), jax.ensure_compile_time_eval():
                optimizer.prepare(variables)
            self.hold(optimizer, variables, optimizer.state)
        elif list(map(id, known)) != list(map(id, variables)):
            raise ValueError(
                f"{type(optimizer).__name__} {optimizer.name!r} is applied to {len(known)} variables and then to {len(variables)} others "
                "in one step: what it keeps is kept for one list of variables. Give each list an optimizer of its own."
            )

    def note_scaled(self, optimizer: Any) -> None:
        """A loss was scaled for this optimizer."""
        self._scaled.add(id(optimizer))

    def _require_scaled(self, optimizer):
        scales = hasattr(optimizer, "inner_optimizer") or optimizer.loss_scale_factor
        if scales and id(optimizer) not in self._scaled:
            raise ValueError(
                f"{type(optimizer).__name__} {optimizer.name!r} divides gradients by its loss scale, and no loss was scaled for it in this "
                "step. Take the gradients with model.value_and_grad(..., optimizer=optimizer), or of optimizer.scale_loss(loss)."
            )


@contextlib.contextmanager
def applying(optimizers: Sequence[tuple[Any, Sequence[Any]]] = (), states: Sequence[Any] = ()) -> Iterator[InStep]:
    """The block is the trace of a step, in which these optimizers have these states."""
    active = InStep()
    token = _active.set(active)
    try:
        for (optimizer, variables), state in zip(optimizers, states, strict=True):
            active.hold(optimizer, variables, state)
        yield active
    finally:
        active.release()
        _active.reset(token)


def ready(optimizer: Any, variables: Sequence[Any]) -> None:
    """Make the optimizer ready to be applied to these variables, in a step or outside of one."""
    active = _active.get()
    if active is None:
        optimizer.prepare(variables)
    else:
        active.ready(optimizer, variables)


def note_scaled(optimizer: Any) -> None:
    """A loss was scaled for this optimizer."""
    active = _active.get()
    if active is not None:
        active.note_scaled(optimizer)
