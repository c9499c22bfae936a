"""Which variables the weight decay leaves alone."""

import re

from phasewise.core import registry
from phasewise.core.warning import NoEffectWarning, warn


class Exclusions:
    """Variables told by object, or by a regular expression found in their name or path."""

    def __init__(self):
        self._variables = {}
        self._patterns = []

    def __getstate__(self):
        return {"_variables": list(self._variables.values()), "_patterns": self._patterns}

    def __setstate__(self, state):
        self._variables, self._patterns = {id(v): v for v in state["_variables"]}, state["_patterns"]

    def add(self, variables, patterns):
        """Exclude more; either may be None."""
        patterns = [patterns] if isinstance(patterns, str) else list(patterns or ())
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(
                    f"exclude_from_weight_decay takes regular expressions; {pattern!r} is none: {error}."
                ) from None
        self._variables.update({id(v): v for v in variables or ()})
        self._patterns += patterns

    def warn_of_unused(self, variables):
        """Warn of the patterns that are found in none of these variables' names."""
        for pattern in self._patterns:
            if not any(re.search(pattern, name) for v in variables for name in (v.name, v.path)):
                names = list(dict.fromkeys(v.name for v in variables))
                warn(
                    f"exclude_from_weight_decay was given {pattern!r}, which is found in no name of a trained variable: it leaves "
                    f"nothing out.{registry.did_you_mean(pattern, names)} The names are {', '.join(names) or '(none)'}.",
                    NoEffectWarning,
                )

    def __contains__(self, variable):
        if variable is None:
            return False
        names = (variable.name, variable.path)
        return id(variable) in self._variables or any(re.search(p, name) for p in self._patterns for name in names)
