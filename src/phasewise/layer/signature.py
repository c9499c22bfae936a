"""What a layer's `call` and `build` take, read from their signatures."""

import functools
import inspect

import jax
import numpy as np

from phasewise.core.keywords import message
from phasewise.graph import symbolic

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class CallSignature:
    """Which of `training` and `mask` a class's `call` takes, and the names of its other arguments."""

    def __init__(self, cls):
        parameters = inspect.signature(cls.call).parameters
        self.anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.training = "training" in parameters
        self.mask = "mask" in parameters
        self.names = [n for n in parameters if n not in ("self", "training", "mask")]
        self.masked = [n for n in self.names if f"{n}_mask" in parameters]  # arguments with a mask of their own
        self._places = [n for n in parameters if n != "self"]
        kinds = [p.kind for p in parameters.values()]
        by_place = [
            k for k in kinds if k in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        ]
        self._needs = any(p.default is p.empty and p.kind in _BY_PLACE for n, p in parameters.items() if n != "self")
        self.most = float("inf") if inspect.Parameter.VAR_POSITIONAL in kinds else len(by_place) - 1  # without self

    def take_training(self, args, kwargs):
        """Splits off `training`, by keyword or by place: `(args, kwargs, training)`, training None or a bool.

        Raises:
            TypeError: it is neither True nor False.
        """
        kwargs = dict(kwargs)
        own = kwargs.pop("training", None)
        place = self._places.index("training") if self.training else len(args)
        if own is None and len(args) > place:
            kwargs.update(zip(self._places[place + 1 :], args[place + 1 :]))
            own, args = args[place], args[:place]
        return args, kwargs, own if own is None or own is True or own is False else _truth(own)

    def refusal(self, name, cls, args, kwargs):
        """The error that says that `call` takes fewer arguments by place, or not these by keyword, or that it was given none; None where all is
        well."""
        strangers = [] if self.anything else [n for n in kwargs if n not in self._places and n != "mask"]
        if strangers:
            return TypeError(message(f"The call of layer {name!r} ({cls.__name__})", strangers, self._places))
        if len(args) <= self.most and (args or kwargs or not self._needs):
            return None
        takes = f"Layer {name!r} ({cls.__name__}) takes call({', '.join(self._places)})"
        if not args:
            return TypeError(f"{takes}; it was given nothing.")
        extra = args[int(self.most)]
        shown = f"an array of shape {tuple(extra.shape)}" if hasattr(extra, "shape") else f"{extra!r}"
        return TypeError(
            f"{takes}; it was given {len(args)} argument{'s' * (len(args) > 1)} by place, and {shown} has no place there. Only inputs go "
            "by place, several of them as one list or dict; all else goes by keyword, as training=True."
        )


def _truth(own):
    """`training` as a bool; 0 and 1 are taken, as is a NumPy bool."""
    if (
        isinstance(own, int | float | np.bool_ | np.number | np.ndarray | jax.Array)
        and np.ndim(own) == 0
        and own in (0, 1)
    ):
        return bool(own)
    raise TypeError(f"`training` is True, False or None; got {own!r}.")


@functools.cache
def call_signature(cls):
    """The `CallSignature` of a layer class."""
    return CallSignature(cls)


def build_shapes(cls, args, kwargs):
    """The arguments of `build`: one shape structure, or a dict when `build` names several as `<argument>_shape`."""
    wanted = [n for n in inspect.signature(cls.build).parameters if n != "self"]
    if len(wanted) > 1 or (len(wanted) == 1 and wanted[0] != "input_shape" and wanted[0].endswith("_shape")):
        given = {**dict(zip(call_signature(cls).names, args)), **kwargs}
        shapes = {f"{n}_shape": _shape_of(v) for n, v in given.items() if f"{n}_shape" in wanted}
        # A subclass's `call` may name the inputs otherwise than the `build` that it inherits does.
        return shapes if wanted[0] in shapes or not args else {wanted[0]: _shape_of(args[0]), **shapes}
    if not wanted:
        return ()
    first = args[0] if args else next(iter(kwargs.values()), None)
    return (_shape_of(first),)


def _shape_of(value):
    def shape(leaf):
        return leaf.shape if symbolic.is_symbolic(leaf) else tuple(np.shape(leaf))

    return jax.tree.map(shape, value, is_leaf=symbolic.is_symbolic)
