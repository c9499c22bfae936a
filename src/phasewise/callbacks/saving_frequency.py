"""How often something is saved."""

from typing import Any


def check_frequency(owner: str, value: Any) -> str | int:
    """`save_freq`: "epoch" or a positive int.

    Raises:
        ValueError: it is something else.
    """
    if value == "epoch" or (hasattr(value, "__index__") and not isinstance(value, bool) and value > 0):
        return value
    raise ValueError(f"{owner} takes save_freq='epoch' or a positive number of batches; got {value!r}.")


class EveryBatches:
    """Counts batches over the borders of epochs, and says when `every` have come since the last time.

    Args:
        every: positive int.
    """

    def __init__(self, every: int):
        self._every, self._since, self._last = every, 0, None

    def is_due(self, batch: int) -> bool:
        """Whether to save after batch number `batch` of an epoch, from 0."""
        is_new_epoch = self._last is None or batch <= self._last
        self._since += batch + 1 if is_new_epoch else batch - self._last
        self._last = batch
        if self._since < self._every:
            return False
        self._since = 0
        return True

    @property
    def place(self) -> list[int | None]:
        """What `go_to` takes."""
        return [self._since, self._last]

    def go_to(self, place: list[int | None]) -> None:
        """Go on from there."""
        self._since, self._last = place
