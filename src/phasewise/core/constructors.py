"""What the constructor of a class takes, read once: Python parses the text of each inherited `__init__` at every look."""

import functools
import inspect
from collections.abc import Mapping


def parameters(cls: type) -> Mapping[str, inspect.Parameter]:
    """The parameters of the constructor of `cls` by name, `self` among them."""
    return _parameters(cls.__init__)  # by the function: a class can be given another one


@functools.lru_cache(1024)  # bounded: what stands in it is kept alive, classes made in a notebook's cell too
def _parameters(constructor):
    return inspect.signature(constructor).parameters
