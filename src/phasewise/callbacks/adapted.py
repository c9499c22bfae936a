"""A callback that another package has made for Keras, told by what it has."""

import inspect
from typing import Any

from phasewise.callbacks.callback import HOOKS, Callback

_NEEDED = ("set_model", "set_params")


def is_adaptable(item: Any) -> bool:
    """Whether an object has what a callback has: `set_model`, `set_params` and at least one hook."""
    return (
        not inspect.isclass(item)
        and all(callable(getattr(item, name, None)) for name in _NEEDED)
        and any(callable(getattr(item, hook, None)) for hook in HOOKS)
    )


class Adapted(Callback):
    """Calls the hooks that such an object has. What its library's `Callback` does at a hook is nothing: not for it the loop stops at batches.

    Attributes:
        original: the object.
    """

    def __init__(self, original: Any):
        self.original, self.spoken_of = original, type(original).__name__
        for hook in HOOKS:
            if callable(getattr(original, hook, None)) and _is_its_own(original, hook):
                setattr(self, hook, getattr(original, hook))

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self.original.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.original.set_params(params)


def _is_its_own(item, hook):
    """Whether a hook is another than that of its library's `Callback`, which is the last of its classes to have `set_model`."""
    classes = type(item).__mro__
    library = next((kind for kind in reversed(classes[1:]) if "set_model" in vars(kind)), None)
    definer = next((kind for kind in classes if hook in vars(kind)), None)
    return hook in getattr(item, "__dict__", ()) or library is None or definer is not library
