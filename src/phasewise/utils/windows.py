"""Sliding windows over a series."""

from typing import Any

import numpy as np

from phasewise.core.arguments import check_count
from phasewise.core.registry import one_of
from phasewise.core.types import ArrayLike
from phasewise.data.arrays import frozen, owned
from phasewise.data.dataset import Dataset


def timeseries_dataset_from_array(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Windows over a series, each with its target, as a plan of batches.

    Window i begins at step `start_index + i * sequence_stride` and holds `sequence_length` steps, `sampling_rate` apart. No window is
    copied before its batch is made.

    Args:
        data: array of shape (steps, ...).
        targets: array whose entry at a window's first step is its target, or None. To predict what comes after a window, give the
            targets moved: `data[sequence_length:]`.
        batch_size: windows in a batch; None gives single windows.
        shuffle: whether the windows come in a new random order every pass. (In Keras the first order is random, and later ones
            differ from it within a buffer only.)
        seed: int, of that order.
        start_index, end_index: the windows lie within `data[start_index:end_index]`.
        format: "tf" or "grain", accepted for Keras's sake.

    Returns:
        A `Dataset` of windows (batch, sequence_length, ...), or of (windows, targets).

    Raises:
        ValueError: numbers that are not positive, or a range in which no window has room.
    """
    owner = "timeseries_dataset_from_array"
    one_of(owner, "format", format, ("tf", "grain"))
    sizes = {"sequence_length": sequence_length, "sequence_stride": sequence_stride, "sampling_rate": sampling_rate}
    for name, size in sizes.items():
        check_count(owner, name, size)
    series, aims = frozen(owned(data)), None if targets is None else frozen(owned(targets))
    start, end = _range(owner, start_index, end_index, len(series))
    room = end - start - (sequence_length - 1) * sampling_rate
    if aims is not None:
        room = min(room, len(aims) - start)
    if room < 1:
        raise ValueError(
            f"No window of {sequence_length} steps, {sampling_rate} apart, has room in the steps {start} to {end}"
            f"{'' if aims is None else f' with {len(aims)} targets'}. Make sequence_length or sampling_rate smaller."
        )
    firsts = start + np.arange(0, room, sequence_stride)
    steps = np.arange(sequence_length) * sampling_rate
    plan = Dataset.from_tensor_slices(firsts)
    if shuffle:
        plan = plan.shuffle(len(firsts), seed)
    if batch_size is not None:
        plan = plan.batch(batch_size)

    def gather(first: Any):
        windows = series[np.asarray(first)[..., None] + steps]
        return windows if aims is None else (windows, aims[first])

    return plan.map(gather)


def _range(owner, start, end, count):
    start = 0 if start is None else check_count(owner, "start_index", start, least=0)
    end = count if end is None else check_count(owner, "end_index", end)
    if not 0 <= start < end <= count:
        raise ValueError(
            f"start_index and end_index must lie in this order within the {count} steps of the data; got {start} and {end}."
        )
    return start, end
