"""`phasewise doctor`."""

import importlib.metadata
import os
import pathlib
import platform
from typing import Any

import jax

from phasewise.cli.command import add_json, added, print_json
from phasewise.kernels.native import convolution
from phasewise.kernels.native.library import INSTRUCTION_SETS as LIMITS
from phasewise.kernels.native.library import KERNELS, limit, reason_against

PACKAGES = ("phasewise", "jax", "jaxlib", "numpy", "onednn-cpu-gomp")
LIBRARIES = {"own kernels": KERNELS, "convolution (oneDNN)": convolution.LIBRARY}
INSTRUCTION_SETS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16")


def add_to(commands: Any) -> None:
    """Add the command to the parser's `commands`."""
    parser = added(
        commands,
        "doctor",
        run,
        help="what phasewise computes with on this machine",
        description="Prints the devices, how many threads compute, whether native kernels are used, and if not why, the instruction "
        "sets that they look for, and the versions of what takes part.",
        example="  phasewise doctor --json",
    )
    add_json(parser)


def run(given: Any) -> int:
    """Run it."""
    found = examined()
    if given.json:
        print_json(found)
        return 0
    print("devices       ", ", ".join(found["devices"]))
    print("threads       ", found["threads"])
    for name, native in found["native"].items():
        print("native        ", f"{name}: {'used' if native['used'] else 'not used: ' + native['reason']}")
    print("instructions  ", ", ".join(found["instruction_sets"]) or "none of those that matter")
    if found["instruction_limit"]:
        print("               native kernels use", found["instruction_limit"], "at most, as PHASEWISE_MAX_ISA asks for")
    print("versions      ", ", ".join(f"{name} {version or 'missing'}" for name, version in found["versions"].items()))
    return 0


def examined() -> dict[str, Any]:
    """What is in use, as nested dicts and lists, ready for JSON."""
    reasons = {name: reason_against(library) for name, library in LIBRARIES.items()}
    return {
        "devices": [f"{each.platform}:{each.id} ({each.device_kind})" for each in jax.devices()],
        "threads": _threads(),
        "native": {name: {"used": reason is None, "reason": reason} for name, reason in reasons.items()},
        "instruction_sets": _instruction_sets(),
        "instruction_limit": limit() if limit() in LIMITS else None,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
    }


def _threads():
    """The processors that this process may use: as many threads compute."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _instruction_sets():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), ())
    return [name for name in INSTRUCTION_SETS if name in flags]


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
