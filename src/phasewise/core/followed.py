"""The variables that a program reads beside those that it is given: another model's, or one that a loss closes over."""

from collections.abc import Callable
from typing import Any

import jax

from phasewise.core import settings
from phasewise.core.scope import noticing
from phasewise.core.variable import values_of

_NEEDS_VALUES = (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError)


class Followed:
    """They are found while the program is traced, and become arguments of it: an assignment takes effect at the next call.

    Attributes:
        variables: a list of them, empty before the trace.
    """

    def __init__(self):
        self.variables = []

    def values(self) -> list[Any]:
        """Their present arrays."""
        return values_of(self.variables)

    def traced(self, trace: Callable[[], Any]) -> Any:
        """What `trace()` returns, once it reads no variable any more that is not among them.

        Raises:
            TypeError: JAX's, where traced code makes a number of Python's from one; a note says which they are.
        """
        while True:
            with noticing() as noticed, settings.reading():
                result = self._told(trace)
            known = set(map(id, self.variables))
            news = [variable for variable in noticed.values() if id(variable) not in known]
            if not news:
                return result
            self.variables.extend(news)

    def _told(self, trace):
        try:
            return trace()
        except Exception as error:
            if self.variables and any(isinstance(each, _NEEDS_VALUES) for each in (error, error.__cause__)):
                names = ", ".join(repr(variable.path) for variable in self.variables[:4])
                error.add_note(
                    f"A compiled step reads variables beside the model's ({names}), whose values may change from call to call. There "
                    "they are arrays that are traced: compute with them, and take no float(), int(), bool() or .numpy() of them."
                )
            raise
