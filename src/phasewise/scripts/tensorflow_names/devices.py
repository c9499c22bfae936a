"""`tensorflow.config`: which devices there are. How they are used is JAX's affair."""

from typing import Any, NamedTuple

import jax

__all__ = ["get_visible_devices", "list_logical_devices", "list_physical_devices", "set_memory_growth"]


class PhysicalDevice(NamedTuple):
    """A device, as TensorFlow describes it."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that JAX sees, of one type ("CPU", "GPU", "TPU") or of all."""
    found = [PhysicalDevice(f"/physical_device:{d.platform.upper()}:{d.id}", d.platform.upper()) for d in jax.devices()]
    return [device for device in found if device_type in (None, device.device_type)]


list_logical_devices = get_visible_devices = list_physical_devices


def set_memory_growth(device: Any, enable: bool) -> None:
    """Nothing: JAX's environment variables say how much memory it takes."""
