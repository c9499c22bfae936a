"""What a subclass with a `call` of its own hands to that of the model it extends: `super().call(inputs, training=training, mask=mask)`."""

import functools
from collections.abc import Callable
from typing import Any

from phasewise.core import masking
from phasewise.core.types import Nest
from phasewise.switch import phase


def hands_on(call: Callable[[Any, Nest], Nest]) -> Callable[..., Nest]:
    """Decorator of a `call(self, inputs)`: it takes `training` and `mask` too, and hands them on to the layers inside.

    A phase that is in force already stays what it is by the rule that has decided it.
    """

    @functools.wraps(call)
    def called(self, inputs, training=None, mask=None):
        masking.attach_all(inputs, mask)
        is_in_force = training is None or bool(training) == phase.decide().training
        with phase.enclosing_call(None if is_in_force else training):
            return call(self, inputs)

    return called
