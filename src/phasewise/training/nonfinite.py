"""What `fit` does when a loss, a gradient or a weight is NaN or infinite."""

import jax.numpy as jnp

from phasewise.core import registry
from phasewise.core.types import Nest
from phasewise.kernels.finite import all_finite, where
from phasewise.training.diagnosis import Finding

CHOICES = ("raise", "skip", "ignore")


class NonFiniteError(ArithmeticError):
    """A training step gave NaN or infinity. The model holds the state before that step.

    Attributes:
        epoch, step: which one; both count from 0, as callbacks do, here and in the message.
        layer: name of the first layer whose output or gradient is not finite; None where it is no layer's.
        where: "input", "labels", "output", "loss", "gradient" or "update".
        rows: integer array, the rows of the batch that cause it; empty where it is no single rows'.
        batch: (x, y, sample_weight) as NumPy arrays.
    """

    def __init__(self, message: str, *, epoch: int, step: int, finding: Finding, batch: tuple[Nest, ...]):
        super().__init__(message)
        self.epoch, self.step, self.batch = epoch, step, batch
        self.layer, self.where, self.rows = finding.layer, finding.where, finding.rows


def check_choice(on_nonfinite):
    """`on_nonfinite` itself.

    Raises:
        ValueError: it is none of "raise", "skip", "ignore".
    """
    if on_nonfinite in CHOICES:
        return on_nonfinite
    near = registry.nearest(on_nonfinite, CHOICES) if isinstance(on_nonfinite, str) else None
    hint = f" Did you mean {near!r}?" if near else ""
    raise ValueError(f"on_nonfinite is 'raise', 'skip' or 'ignore'; got {on_nonfinite!r}.{hint}")


def is_sound(state):
    """Whether a training state is finite. NaN and infinity stay in it, so that a look after many steps sees them all.

    The loss is looked at through its running mean; a gradient that is not finite leaves its trace in a weight or in
    the optimizer's state.
    """
    loss = [value for name, value in state.get("logs", {}).items() if name == "loss"]
    return all_finite(state["params"], state["other"], state["optimizer"], state["metrics"][:2], loss)


def kept_where_finite(step):
    """A step that changes nothing but the counters when it would make the state unsound.

    Args:
        step: `(state, ...) -> (state, True)`; the last metric accumulator counts the steps that were left out.
    """

    def guarded(state, *arguments):
        new, _ = step(state, *arguments)
        good = is_sound(new)
        kept = where(good, new, state)
        *metrics, skipped = kept["metrics"]
        return {**kept, "metrics": [*metrics, skipped + jnp.where(good, 0, 1)], "step": new["step"]}, True

    return guarded


def first_bad_step(loop, state, feed, start, count):
    """(number in the feed of the first step that is not finite, the state before it).

    Args:
        loop: the `UpdateProgram`.
        state: a good state; after `count` steps from `start` it is none any more.
    """
    good_steps, bad_steps, good = 0, count, state
    while bad_steps - good_steps > 1:
        middle = (good_steps + bad_steps) // 2
        reached = loop.advance(good, feed, start + good_steps, middle - good_steps)
        if reached.is_sound:
            good_steps, good = middle, reached.state
        else:
            bad_steps = middle
    return start + good_steps, good


def error_for(finding, batch, *, epoch, step):
    """The `NonFiniteError` of a step with `batch`, in which that was found."""
    message = (
        f"Training became non-finite in epoch {epoch}, step {step} (epochs, steps and rows count from 0, as in callbacks and arrays): "
        f"{finding.text}. The model holds the state before that step; the batch is the exception's `.batch`, the rows its `.rows`. "
        "fit(..., on_nonfinite='skip') leaves such steps out, 'ignore' goes on."
    )
    return NonFiniteError(message, epoch=epoch, step=step, finding=finding, batch=batch)
