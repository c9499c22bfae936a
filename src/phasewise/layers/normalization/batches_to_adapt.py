"""The batches of any source that `Normalization.adapt` takes."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from phasewise.core.types import ArrayLike
from phasewise.data.arrays import to_array
from phasewise.data.checks import warn_nonfinite
from phasewise.data.feed import check_numeric
from phasewise.layer.layer import Layer
from phasewise.layers.adapting import ROWS, input_of, source_to_adapt


def batches_of(layer: Layer, data: ArrayLike | Iterable[Any]) -> Iterator[np.ndarray]:
    """The inputs in `data`, batch by batch, as NumPy arrays.

    Args:
        layer: whose axes they are: an array is one batch where its first axis is kept.
        data: as for `Normalization.adapt`.

    Raises:
        ValueError: the data never end, or hold dicts.
        TypeError: the source is of no known kind, or holds strings.
    """

    def rows(x):
        keeps_rows = any(a in (0, -np.ndim(x)) for a in layer.axis)
        return max(len(x), 1) if keeps_rows or x.ndim < 2 else ROWS

    suspect = False
    for element in source_to_adapt(data, rows, row_rank=1):
        x = to_array(input_of(layer, element))
        check_numeric("adapt's data", x)
        suspect = suspect or warn_nonfinite(x, "adapt's data")
        yield x
