"""The memory of this process, as Linux counts it."""

import pathlib


def resident():
    """MiB that are resident now."""
    return _field("VmRSS")


def peak():
    """MiB that were resident at most since the process began."""
    return _field("VmHWM")


def _field(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024
