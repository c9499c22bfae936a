"""A callback from plain functions."""

from collections.abc import Callable
from typing import Any

from phasewise.callbacks.callback import HOOKS, Callback
from phasewise.core.registry import nearest


class LambdaCallback(Callback):
    """A callback made of functions, each given by the name of its hook.

    Unlike Keras's it refuses a name that is no hook, instead of never calling the function.

    Args:
        on_epoch_begin, on_epoch_end: called as `f(epoch, logs)`.
        on_train_begin, on_train_end: called as `f(logs)`.
        on_train_batch_begin, on_train_batch_end: called as `f(batch, logs=logs)`; they make the loop step batch by batch.
        **kwargs: any other hook of `Callback`, called as it.

    Raises:
        TypeError: a name is no hook, or what was given for it cannot be called.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ):
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for hook, function in given.items():
            if function is not None:
                _check(hook, function)
                setattr(self, hook, function)


def _check(hook, function):
    if hook not in HOOKS:
        near = nearest(hook, HOOKS)
        hint = f"Did you mean {near!r}? " if near else ""
        raise TypeError(f"LambdaCallback got {hook!r}, which is no hook. {hint}Hooks: {', '.join(HOOKS)}.")
    if not callable(function):
        raise TypeError(
            f"LambdaCallback needs a function for {hook}; got {function!r} of type {type(function).__name__}."
        )
