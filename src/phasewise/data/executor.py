"""Which executor runs a plan."""

from phasewise.data.resident import Resident, fits_in_memory
from phasewise.data.streaming import Streaming


def make_executor(plan):
    """`Resident` for a plan of batches of rows of arrays that fit on the device, else `Streaming`."""
    rows = plan._rows
    if rows is not None and rows.batched and fits_in_memory(plan):
        return Resident(plan)
    return Streaming(plan)
