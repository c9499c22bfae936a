"""What every executor of arrays in memory tells of them."""

from phasewise.data.feed import BatchSpec
from phasewise.data.structure import map_leaves


class InMemory:
    """Holds all rows, which are looked at once, before the first step.

    Args:
        arrays: in the structure of a batch, in dtypes of the device.

    Attributes:
        arrays: those.
        is_suspect: whether NaN or infinity was found.
    """

    def __init__(self, arrays):
        self.arrays = arrays
        self._is_checked = self.is_suspect = False

    @property
    def element_spec(self):
        """Structure of one batch, the row axis None."""
        return map_leaves(lambda a: BatchSpec((None, *a.shape[1:]), a.dtype), self.arrays)

    def sample(self):
        """All rows, as host arrays, in the structure of a batch."""
        return self.arrays

    def unchecked(self, feed):
        """What has not been looked at: all rows, once, in the structure of a batch, and a function that names a row."""
        if self._is_checked:
            return None
        self._is_checked = True
        return self.arrays, lambda row: f"row {row}"

    def close(self, used=None):
        """Nothing to release."""
