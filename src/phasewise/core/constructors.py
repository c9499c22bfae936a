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


def names(cls: type) -> list[str]:
    """The names that the constructor of `cls` takes, with those of the constructors that it passes `**kwargs` on to; but for what one
    of these needs, which a subclass gives it itself."""
    found = []
    for each in cls.__mro__:
        if "__init__" not in vars(each) or each is object:
            continue
        own = list(parameters(each).values())[1:]
        named = [p for p in own if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        found += [p.name for p in named if not found or p.default is not p.empty]
        if not any(p.kind is p.VAR_KEYWORD for p in own):
            break
    return list(dict.fromkeys(found))
