"""One measurement: what is run, what it measures, what it must reach."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """A script in `cases/` with its arguments, what it measures, and the bar.

    Args:
        group: "small", "wide", "deep", "networks", "repeated" or "native"; the table has them in this order.
        command: the script's name and what follows the library on its command line.
        title: what a reader of the table sees.
        unit: "s", "MiB", "×" for a ratio, or "" for a plain number.
        rounds: fresh processes of each library; one where a process measures for long and takes medians itself.
        least_ratio: the bar in terms of the fastest peer, peer / ours; 1 / 1.1 allows us 10 % more.
        most: the bar in terms of the unit.
        whole_process: time the process from outside instead of reading its value.
        second_run: run ours twice with one compilation cache, and measure the second.
        peers: what else can do the same, by its name in `peers.py`.
    """

    group: str
    command: str
    title: str
    unit: str
    rounds: int = 5
    least_ratio: float | None = None
    most: float | None = None
    whole_process: bool = False
    second_run: bool = False
    peers: tuple[str, ...] = ("keras",)

    @property
    def script(self):
        """The script's name, without `.py`."""
        return self.command.split()[0]

    @property
    def arguments(self):
        """What follows the library on the command line."""
        return self.command.split()[1:]

    @property
    def name(self):
        """What `--only` and the JSON call it."""
        return "_".join([self.script, *self.arguments, *(["second_run"] if self.second_run else [])])
