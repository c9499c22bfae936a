"""On which device arrays are made."""

import contextlib

import jax

Device = jax.Device


def device(device_name: str | Device) -> contextlib.AbstractContextManager:
    """A context in which arrays are made, and programs run, on a device.

    Args:
        device_name: kind and number, as in "cpu:0" or "gpu:1" (the first, where no number is given), or a `jax.Device`.

    Raises:
        ValueError: there is no such device; the message lists those that there are.
    """
    if isinstance(device_name, Device):
        return jax.default_device(device_name)
    there = {f"{each.platform}:{number}": each for each, number in _numbered()}
    wanted = str(device_name).lower().removeprefix("/").removeprefix("device:")
    wanted = wanted if ":" in wanted else f"{wanted}:0"
    if wanted not in there:
        raise ValueError(f"There is no device {device_name!r}; there are {', '.join(there)}.")
    return jax.default_device(there[wanted])


def _numbered():
    """Every device with its number among those of its kind; processors there are always."""
    found = {id(each): each for each in (*jax.local_devices(), *jax.local_devices(backend="cpu"))}.values()
    counts = {}
    for each in found:
        counts[each.platform] = counts.get(each.platform, -1) + 1
        yield each, counts[each.platform]
