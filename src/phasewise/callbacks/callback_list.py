"""Many callbacks as one."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from phasewise.callbacks.adapted import Adapted, is_adaptable
from phasewise.callbacks.callback import Callback, Logs, raised_in
from phasewise.callbacks.history import History
from phasewise.callbacks.progbar_logger import ProgbarLogger


class CallbackList(Callback):
    """Calls every callback of a list, in order; for a loop of your own as well as for `fit`.

    Args:
        callbacks: a callback, a list of them (lists may be nested), or None.
        add_history: put a `History` behind them where there is none.
        add_progbar: put a `ProgbarLogger` behind them where there is none.
        model: the model that they get as `.model`.
        **params: what they get as `.params`: "epochs", "steps", "verbose".

    Raises:
        TypeError: something in the list is neither a `Callback` nor has what one has: `set_model`, `set_params` and hooks.
    """

    def __init__(
        self,
        callbacks: Callback | Sequence[Any] | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        self.callbacks = list(_flat(callbacks))
        if add_history and not any(isinstance(callback, History) for callback in self.callbacks):
            self.callbacks.append(History())
        if add_progbar and not any(isinstance(callback, ProgbarLogger) for callback in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def set_model(self, model: Any) -> None:
        self._model = model
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def leave_progress_to_run(self) -> None:
        """Whoever runs shows progress itself: no callback need."""
        for callback in self.callbacks:
            if isinstance(callback, ProgbarLogger):
                callback.is_shown_by_run = True

    def set_will_validate(self, will_validate: bool) -> None:
        """Every callback gets it as `.will_validate`."""
        for callback in self.callbacks:
            callback.will_validate = will_validate

    @property
    def wants_train_batches(self) -> bool:
        """Whether a callback overrides a hook of single training batches, so that the loop must stop at each."""
        return self._override("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")

    @property
    def wants_test_batches(self) -> bool:
        """Whether a callback overrides a hook of single batches of `evaluate`."""
        return self._override("on_test_batch_begin", "on_test_batch_end")

    @property
    def wants_predict_batches(self) -> bool:
        """Whether a callback overrides a hook of single batches of `predict`."""
        return self._override("on_predict_batch_begin", "on_predict_batch_end")

    def _override(self, *hooks):
        return any(
            getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook)
            for callback in self.callbacks
            for hook in hooks
        )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._call("on_train_begin", logs=logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._call("on_train_end", logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_end", epoch, logs=logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_batch_begin", batch, logs=logs)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_batch_end", batch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_train_batch_begin", batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_train_batch_end", batch, logs=logs)

    def on_chunk_end(self, step: int, logs: Logs | None = None) -> None:
        self._call("on_chunk_end", step, logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._call("on_test_begin", logs=logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._call("on_test_end", logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_test_batch_begin", batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_test_batch_end", batch, logs=logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._call("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._call("on_predict_end", logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_predict_batch_begin", batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_predict_batch_end", batch, logs=logs)

    def _call(self, hook, *number, logs):
        logs = {} if logs is None else logs
        # As in Keras, `logs` is positional at the hooks of epochs and runs, and a keyword at those of batches: a plain
        # function given to LambdaCallback may name it as it likes in the former.
        at_batch = "batch" in hook
        for callback in self.callbacks:
            try:
                if at_batch:
                    getattr(callback, hook)(*number, logs=logs)
                else:
                    getattr(callback, hook)(*number, logs)
            except Exception as error:
                if not hasattr(error, "__notes__") or raised_in(hook, callback) not in error.__notes__:
                    error.add_note(raised_in(hook, callback))
                raise


def _flat(callbacks):
    if callbacks is None:
        return
    if isinstance(callbacks, list | tuple | CallbackList):
        for item in callbacks:
            yield from _flat(item)
    elif isinstance(callbacks, Callback):
        yield callbacks
    elif is_adaptable(callbacks):
        yield Adapted(callbacks)
    else:
        raise TypeError(f"callbacks must be a list of phasewise.callbacks.Callback; {_what_came(callbacks)}")


def _what_came(item):
    if inspect.isclass(item):
        return f"got the class {item.__name__} itself: make one of it, {item.__name__}(...)."
    if type(item).__name__ != "function" and any(hasattr(item, hook) for hook in ("on_epoch_end", "on_train_begin")):
        origin = f"{type(item).__module__}.{type(item).__name__}"
        return f"got a {origin}, which is no subclass of it: derive it from phasewise.callbacks.Callback, or give it set_model and set_params."
    if callable(item):
        return f"got the function {getattr(item, '__name__', item)!r}: wrap it, LambdaCallback(on_epoch_end=...)."
    return f"got {item!r} of type {type(item).__name__}."
