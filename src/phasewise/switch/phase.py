"""The switch: one function decides whether a call of a layer is in training or in inference.

The phase is Python, fixed while a call is traced, so it costs nothing when the program runs. All that the decision
reads is either an argument of `decide` or a context variable of this file; `switch_key` is what a compiled program
must be filed under so that a change takes effect at the very next call.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from contextvars import ContextVar

TRAINING = "training"
INFERENCE = "inference"

_TASK_PHASE = {
    "fit": TRAINING,
    "train_on_batch": TRAINING,
    "evaluate": INFERENCE,
    "predict": INFERENCE,
    "test_on_batch": INFERENCE,
    "predict_on_batch": INFERENCE,
}

_enclosing = ContextVar("phasewise_enclosing_training", default=None)
_scoped_phase = ContextVar("phasewise_learning_phase_scope", default=None)
_task = ContextVar("phasewise_task", default=None)
_global_phase = None


@dataclasses.dataclass(frozen=True)
class Decision:
    """The phase of one call, the number of the rule that decided (1 to 6) and the reason in words."""

    phase: str
    rule: int
    reason: str

    @property
    def training(self) -> bool:
        """True in the training phase."""
        return self.phase == TRAINING


def decide(*, frozen: bool = False, own: bool | None = None) -> Decision:
    """The phase of a call, by the first rule that matches.

    Args:
        frozen: the layer is frozen, and for its kind freezing means inference (normalization layers).
        own: the `training=` given at this very call, or None.

    Returns:
        A `Decision`. Rules: 1 frozen; 2 given at the layer's own call; 3 given by the nearest call around it;
        4 the learning phase; 5 the task (fit, evaluate, predict …); 6 inference.
    """
    if frozen:
        return Decision(INFERENCE, 1, "frozen")
    if own is not None:
        return Decision(_named(own), 2, "pinned at its call")
    if _enclosing.get() is not None:
        return Decision(_named(_enclosing.get()), 3, "given by the call around it")
    pinned = learning_phase()
    if pinned is not None:
        return Decision(_named(pinned), 4, "learning phase")
    if _task.get() is not None:
        return Decision(_TASK_PHASE[_task.get()], 5, _task.get())
    return Decision(INFERENCE, 6, "default")


def learning_phase() -> int | None:
    """The pinned learning phase: 1 (training), 0 (inference), or None when nothing pins it.

    A `learning_phase_scope` wins over `set_learning_phase`; the innermost scope wins.
    """
    scoped = _scoped_phase.get()
    return scoped[0] if scoped is not None else _global_phase


def set_learning_phase(value: int | str | None) -> None:
    """Pin the phase of every call in the process that no stronger rule decides; None unpins.

    Args:
        value: 1, True or "training"; 0, False or "inference"; or None.

    Raises:
        ValueError: any other value.
    """
    global _global_phase
    _global_phase = _phase_number(value)


@contextlib.contextmanager
def learning_phase_scope(value: int | str | None) -> Iterator[None]:
    """Pin the phase inside a `with` block, in this thread or task only. Scopes nest; None lifts the outer pin.

    Example:
        >>> with phasewise.learning_phase_scope("training"):
        ...     predictions = model.predict(x)  # dropout drops, batch normalization uses the batch
    """
    token = _scoped_phase.set((_phase_number(value),))
    try:
        yield
    finally:
        _scoped_phase.reset(token)


@contextlib.contextmanager
def enclosing_call(training: bool | None) -> Iterator[None]:
    """Calls inside the block are enclosed by one that was given `training=`; None leaves the outer one in force."""
    if training is None:
        yield
        return
    token = _enclosing.set(bool(training))
    try:
        yield
    finally:
        _enclosing.reset(token)


@contextlib.contextmanager
def task(name: str) -> Iterator[None]:
    """Calls inside the block belong to a task: fit, train_on_batch, evaluate, test_on_batch, predict, predict_on_batch."""
    token = _task.set(name)
    try:
        yield
    finally:
        _task.reset(token)


def current_task() -> str | None:
    """The name of the task that is being traced, or None outside of one."""
    return _task.get()


def switch_key() -> tuple[int | None, bool | None, str | None]:
    """Everything outside the layers that a decision reads: part of the key of every compiled program."""
    return (learning_phase(), _enclosing.get(), _task.get())


def _named(training):
    return TRAINING if training else INFERENCE


def _phase_number(value):
    if value is None:
        return None
    if isinstance(value, str):
        if value in (TRAINING, INFERENCE):
            return int(value == TRAINING)
    elif value in (0, 1):
        return int(value)
    raise ValueError(
        f"The learning phase is 'training' (or 1), 'inference' (or 0), or None to unpin it; got {value!r}."
    )
