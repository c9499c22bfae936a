"""What a layer's `call` and `build` take, read from their signatures."""

import functools
import inspect

import jax
import numpy as np

from phasewise.graph import symbolic


class CallSignature:
    """Which of `training` and `mask` a class's `call` takes, and the names of its other arguments."""

    def __init__(self, cls):
        parameters = inspect.signature(cls.call).parameters
        self.anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.training = "training" in parameters
        self.mask = "mask" in parameters
        self.names = [n for n in parameters if n not in ("self", "training", "mask")]
        self._places = [n for n in parameters if n != "self"]

    def take_training(self, args, kwargs):
        """Splits off `training`, by keyword or by place: `(args, kwargs, training)`, training None or a bool."""
        kwargs = dict(kwargs)
        own = kwargs.pop("training", None)
        place = self._places.index("training") if self.training else len(args)
        if own is None and len(args) > place:
            kwargs.update(zip(self._places[place + 1 :], args[place + 1 :]))
            own, args = args[place], args[:place]
        return args, kwargs, None if own is None else bool(own)


@functools.cache
def call_signature(cls):
    """The `CallSignature` of a layer class."""
    return CallSignature(cls)


def build_shapes(cls, args, kwargs):
    """The arguments of `build`: one shape structure, or a dict when `build` names several as `<argument>_shape`."""
    wanted = [n for n in inspect.signature(cls.build).parameters if n != "self"]
    if len(wanted) > 1 or (len(wanted) == 1 and wanted[0] != "input_shape" and wanted[0].endswith("_shape")):
        given = {**dict(zip(call_signature(cls).names, args)), **kwargs}
        return {f"{n}_shape": _shape_of(v) for n, v in given.items() if f"{n}_shape" in wanted}
    if not wanted:
        return ()
    first = args[0] if args else next(iter(kwargs.values()), None)
    return (_shape_of(first),)


def _shape_of(value):
    def shape(leaf):
        return leaf.shape if symbolic.is_symbolic(leaf) else tuple(np.shape(leaf))

    return jax.tree.map(shape, value, is_leaf=symbolic.is_symbolic)
