"""Numbers that an optimizer keeps in its state, as variables: read and assigned where they are kept."""

from typing import Any

import jax
import numpy as np

from phasewise.core.variable import Variable


class Live(Variable):
    """`optimizer.learning_rate` and `optimizer.iterations`: what they are whenever they are looked at, not what they were.

    Args:
        owner: has the property `name`, and `_present(name)`, which gives the number.
        name: of the property, which an assignment sets.
        dtype: name of the dtype.
    """

    trainable = made_trainable = autocast = False
    regularizer = constraint = None
    revision = 0

    def __init__(self, owner: Any, name: str, dtype: str):
        self._owner, self._dtype = owner, dtype
        self.name = self.path = name

    @property
    def raw(self):
        """As of every variable; in a step that applies the optimizer, what the step carries."""
        present = self._owner._present(self.name)
        return present.astype(self._dtype) if isinstance(present, jax.core.Tracer) else super().raw

    @property
    def _value(self):
        return np.asarray(self._owner._present(self.name), self._dtype)

    @_value.setter
    def _value(self, value):
        setattr(self._owner, self.name, value)

    def __repr__(self):
        return f"<Variable {self.name} of {self._owner.name}: {self._value}>"
