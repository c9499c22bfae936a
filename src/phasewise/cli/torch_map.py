"""Which module of PyTorch's is which layer, as `convert --torch` is given it: a JSON file."""

import os
from typing import Any

from phasewise.cli.failing import Mistake, in_one_line
from phasewise.files.json_text import parsed
from phasewise.files.missing import missing

EXAMPLE = '{"conv1": "conv", "lstm": ["first", "second"], "fc": {"layer": "dense", "flattened": [64, 7, 7]}}'


def read_map(path: str) -> dict[str, dict[str, Any]]:
    """The arguments `names`, `flattened` and `counts` of `save_torch_weights`.

    Raises:
        Mistake: there is no such file, it cannot be read, or says something else.
    """
    if not os.path.isfile(path):
        raise Mistake(missing(path, "there is no map from modules to layers to read"))
    try:
        with open(path, "rb") as file:
            found = parsed(file.read(), repr(path))
    except OSError as error:
        raise Mistake(in_one_line(error)) from error
    arguments = {"names": {}, "flattened": {}, "counts": {}}
    for module, wanted in found.items():
        parts = wanted if isinstance(wanted, dict) else {"layer": wanted}
        _check(path, module, parts)
        for part, argument in _ARGUMENTS.items():
            if part in parts:
                arguments[argument][module] = parts[part]
    return arguments


_ARGUMENTS = {"layer": "names", "flattened": "flattened", "count": "counts"}


def _check(path, module, parts):
    """Raises Mistake where a module is said to be something else than a layer, or a list of layers."""
    layer = parts.get("layer")
    good = isinstance(layer, str) or (isinstance(layer, list) and layer and all(isinstance(n, str) for n in layer))
    good &= _is_shape(parts.get("flattened", [1])) and _is_shape([parts.get("count", 1)])
    if not good or not parts.keys() <= _ARGUMENTS.keys():
        raise Mistake(f"{path!r} says {parts!r} of {module!r}; expected the name of a layer, as in {EXAMPLE}.")


def _is_shape(value):
    return isinstance(value, list) and all(type(n) is int and n > 0 for n in value)
