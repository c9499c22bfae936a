"""The variables that a program reads beside those that it is given: another model's, or one that a loss closes over."""

from collections.abc import Callable
from typing import Any

from phasewise.core.scope import noticing
from phasewise.core.variable import values_of


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
        """What `trace()` returns, once it reads no variable any more that is not among them."""
        while True:
            with noticing() as noticed:
                result = trace()
            known = set(map(id, self.variables))
            news = [variable for variable in noticed.values() if id(variable) not in known]
            if not news:
                return result
            self.variables.extend(news)
