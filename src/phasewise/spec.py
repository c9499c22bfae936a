"""What a layer accepts: checked before any work is done, reported with the layer's name and both shapes."""

import dataclasses


@dataclasses.dataclass
class InputSpec:
    """Constraints on one input of a layer (Keras's `InputSpec`).

    Attributes:
        dtype: required dtype name, or None.
        shape: required shape, None for free axes; or None.
        ndim, min_ndim, max_ndim: number of axes, the batch axis included.
        axes: dict of axis -> required size.
    """

    dtype: str | None = None
    shape: tuple | None = None
    ndim: int | None = None
    max_ndim: int | None = None
    min_ndim: int | None = None
    axes: dict | None = None

    def complaint(self, shape):
        """What is wrong with an input of this `shape`, as a phrase, or None."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            return f"an input with {self.ndim} axes (batch axis included)"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"an input with at least {self.min_ndim} axes (batch axis included)"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"an input with at most {self.max_ndim} axes (batch axis included)"
        for axis, size in (self.axes or {}).items():
            if size is not None and shape[axis] not in (size, None):
                return f"an input of size {size} on axis {axis}"
        if self.shape is not None:
            matches = rank == len(self.shape) and all(a in (b, None) or b is None for a, b in zip(shape, self.shape))
            if not matches:
                return f"an input of shape {tuple(self.shape)}"
        return None
