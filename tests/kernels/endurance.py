"""Random layers through the native kernels and through XLA, for as long as is asked: `python tests/kernels/endurance.py --minutes 60`.

Both must give the same numbers, each program the same bits twice, and memory must not grow. Exits with 1 at the first difference,
and prints the seed that repeats it: `--seed N --minutes 0`.
"""

import argparse
import collections
import ctypes
import gc
import os
import pathlib
import re
import sys
import time

import jax
import numpy as np
from jax import export
from random_layers import case

TOLERANCES = {"float32": 1e-5, "bfloat16": 2e-2}
PROGRAMS_KEPT = 40


def main():
    """Run until the time is over, or something differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.environ.setdefault("PHASEWISE_NATIVE", "always")
    end, number, calls = time.monotonic() + 60 * given.minutes, 0, collections.Counter()
    while number == 0 or time.monotonic() < end:
        calls.update(compared(given.seed + number))
        number += 1
        if number % PROGRAMS_KEPT == 0:
            print(f"{number} layers, {settled():.0f} MiB in use", flush=True)
    counts = ", ".join(f"{name} in {count}" for name, count in sorted(calls.items()))
    print(f"{number} layers without a difference; native kernels: {counts or 'none'}")


def compared(seed):
    """Compare one random layer; the names of the native kernels in its program.

    Raises:
        AssertionError: the two differ, or the native one with itself.
    """
    title, function, arrays = case(np.random.default_rng(seed))
    program = jax.jit(function)
    named = kernels_in(program.lower(*arrays).as_text())
    found = program(*arrays)
    again = program(*arrays)
    expected = in_xla(function, arrays)
    about = f"seed {seed}: {title}, by {', '.join(sorted(named)) or 'XLA'}"
    for one, other, wanted in zip(*(jax.tree.leaves(tree) for tree in (found, again, expected)), strict=True):
        assert np.array_equal(one, other, equal_nan=True), f"{about}: two runs give other bits"
        error, allowed = difference(one, wanted), TOLERANCES[smallest_type(arrays)]
        assert error <= allowed, f"{about}: native and XLA differ by {error:.2g} of the largest value in {one.shape}"
    return named


def in_xla(function, arrays):
    """What XLA alone computes: a program that is exported has no native kernels in it."""
    exported = export.export(jax.jit(function))(*arrays)
    assert not kernels_in(exported.mlir_module()), "an exported program has native kernels"
    return jax.jit(exported.call)(*arrays)


def kernels_in(text):
    """The native kernels that a lowered program calls."""
    return set(re.findall(r"custom_call @(phasewise_\w+)", text))


def difference(found, expected):
    """The largest difference, relative to the largest value."""
    found, expected = (np.asarray(array, np.float64) for array in (found, expected))
    assert found.shape == expected.shape
    largest = max(np.abs(expected).max(initial=0), 1e-30)
    return np.abs(found - expected).max(initial=0) / largest


def smallest_type(arrays):
    """bfloat16 if any array is."""
    return "bfloat16" if any(leaf.dtype == "bfloat16" for leaf in jax.tree.leaves(arrays)) else "float32"


def settled():
    """MiB that this process holds once what nobody needs is given back."""
    jax.clear_caches()
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    main()
