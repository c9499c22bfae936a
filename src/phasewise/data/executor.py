"""Which executor runs a plan."""

from phasewise.data.dataset import Dataset
from phasewise.data.resident import Resident, fits_in_memory
from phasewise.data.streaming import Streaming


def make_executor(plan: Dataset, batch_rows: int | None = None, most: int | None = None) -> Resident | Streaming:
    """`Resident` for a plan of batches of rows of arrays that fit on the device, else `Streaming`.

    Args:
        most: how many batches the run takes at most, None where that is not known; of a stream no more are read.
        batch_rows: how many rows a whole batch is taken to have, where another number than the plan's; those of the plan are short.
    """
    rows = plan._rows
    if rows is not None and rows.batched and fits_in_memory(plan):
        return Resident(plan, batch_rows)
    return Streaming(plan, most)
