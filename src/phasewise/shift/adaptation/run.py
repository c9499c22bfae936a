"""What a method of adaptation is told before it begins."""

import dataclasses
from typing import Any

import jax
import numpy as np

from phasewise.data import make_executor
from phasewise.data.adapters import is_arrays
from phasewise.shift.predictions import Output
from phasewise.training.host_layers import plan_for
from phasewise.training.step import unpack


@dataclasses.dataclass(frozen=True)
class Run:
    """A model, and the data that it is adapted to.

    Attributes:
        model: the model, built.
        output: which of its outputs is looked at.
        data: what `adapt` was given, or None.
        reading: `batch_size`, `steps` and `verbose`, for what reads the data.
    """

    model: Any
    output: Output
    data: Any
    reading: dict

    def batches_of(self, data, batch_size=None):
        """Host arrays of the inputs, batch after batch."""
        size = (batch_size or self.reading["batch_size"]) if is_arrays(data, role="predict") else None
        executor = make_executor(plan_for(self.model, data, batch_size=size, role="adapt"))
        try:
            for feed in executor.feeds(self.reading["steps"] if data is self.data else None):
                for place, real in enumerate(feed.real_rows):
                    yield unpack(jax.tree.map(lambda a, i=place, n=real: np.array(a[i][:n]), feed.arrays["batches"]))[0]
        finally:
            executor.close()
