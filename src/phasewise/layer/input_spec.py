"""What a layer accepts: checked before any work is done, reported with the layer's name and both shapes."""

import dataclasses

from phasewise.core.keywords import Told
from phasewise.core.types import Shape


@dataclasses.dataclass
class InputSpec(Told):
    """Constraints on one input of a layer (Keras's `InputSpec`).

    Attributes:
        dtype: required dtype name, or None.
        shape: required shape, None for free axes; or None.
        ndim, min_ndim, max_ndim: number of axes, the batch axis included.
        axes: dict of axis -> required size.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or too many.
        name: the key under which a dict of inputs holds this one.
        optional: whether the input may be None.
    """

    dtype: str | None = None
    shape: Shape | None = None
    ndim: int | None = None
    max_ndim: int | None = None
    min_ndim: int | None = None
    axes: dict[int, int | None] | None = None
    allow_last_axis_squeeze: bool = False
    name: str | None = None
    optional: bool = False

    def complaint(self, shape: Shape, dtype: str | None = None) -> str | None:
        """What is wrong with an input of this `shape` (and dtype name), as a phrase, or None."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim and not self.allow_last_axis_squeeze:
            return f"an input with {self.ndim} axes (batch axis included)"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"an input with at least {self.min_ndim} axes (batch axis included)"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"an input with at most {self.max_ndim} axes (batch axis included)"
        for axis, size in (self.axes or {}).items():
            if size is not None and (not -rank <= axis < rank or shape[axis] not in (size, None)):
                return f"an input of size {size} on axis {axis}"
        if self.shape is not None and not self._matches(tuple(shape), tuple(self.shape)):
            return f"an input of shape {tuple(self.shape)}"
        if self.dtype is not None and dtype not in (self.dtype, None):
            return f"an input of dtype {self.dtype}"
        return None

    def _matches(self, shape, wanted):
        if self.allow_last_axis_squeeze:
            shape, wanted = (s[:-1] if s[-1:] == (1,) else s for s in (shape, wanted))
        return len(shape) == len(wanted) and all(a in (b, None) or b is None for a, b in zip(shape, wanted))
