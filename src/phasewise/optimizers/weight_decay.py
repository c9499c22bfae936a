"""Which variables the weight decay leaves alone."""

import re


class Exclusions:
    """Variables told by object, or by a regular expression found in their name or path."""

    def __init__(self):
        self._variables = {}
        self._patterns = []

    def add(self, variables, patterns):
        """Exclude more; either may be None."""
        self._variables.update({id(v): v for v in variables or ()})
        self._patterns += list(patterns or ())

    def __contains__(self, variable):
        if variable is None:
            return False
        names = (variable.name, variable.path)
        return id(variable) in self._variables or any(re.search(p, name) for p in self._patterns for name in names)
