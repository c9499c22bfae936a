"""The compiled libraries: found, loaded and made known to XLA, once in a process; or the reason why they are not.

The environment variable PHASEWISE_NATIVE=0 turns them off; with PHASEWISE_NATIVE=always they are called however small the work is.
PHASEWISE_MAX_ISA=avx2 (or baseline) lets them use no more than these instructions, as they do on a machine that has no others: then
they give its bits. XLA's own code is limited by XLA_FLAGS=--xla_cpu_max_isa=AVX2.
"""

import contextlib
import ctypes
import functools
import importlib.metadata
import os
import pathlib
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax

from phasewise.core.warning import NativeKernelsWarning, warn
from phasewise.kernels.explicit_axes import mesh_of
from phasewise.kernels.native.shared_object import check_whole

VERSION_OF_ONEDNN = "2023.2.0"
REMEDY = "`pip install --force-reinstall --no-deps phasewise` builds them."

INSTRUCTION_SETS = ("baseline", "avx2", "avx512")
"""What C++ calls 0, 1 and 2; each has those before it."""

_LOADING = threading.Lock()
_WARNED: set[str] = set()


class Library(NamedTuple):
    """A compiled library.

    Attributes:
        file: its name, in this folder.
        targets: the kernels in it, by the names that C and XLA know them under.
        prepare: loads the libraries that it needs; raises OSError.
        limit: `limit(library, level)` lets it use no more than `INSTRUCTION_SETS[level]`.
    """

    file: str
    targets: tuple[str, ...]
    prepare: Callable[[], None] = lambda: None
    limit: Callable[[ctypes.CDLL, int], None] = lambda library, level: None


def usable(library: Library) -> bool:
    """Whether the kernels of `library` can be called; what is wrong with it is told once in a process."""
    reason = reason_against(library)
    if reason is not None and are_expected() and reason not in _WARNED:
        _WARNED.add(reason)
        warn(
            f"The native kernels of {library.file} are not used, XLA's slower ones are: {reason}", NativeKernelsWarning
        )
    return reason is None


def reason_against(library: Library) -> str | None:
    """Why `library` is not used, in a sentence; None where it is, and has then been loaded."""
    with _LOADING:
        outcome = _loaded(library)
    return outcome if isinstance(outcome, str) else None


def loaded(library: Library) -> ctypes.CDLL:
    """A usable library, to call what is in it beside the kernels."""
    with _LOADING:
        return _loaded(library)


def are_at_hand(*arrays: jax.Array) -> bool:
    """Whether what is traced here is for a CPU, and `KERNELS` can be called on `arrays`: then it is worth an operation of its own.

    Arrays on a mesh with explicit axes are XLA's: only its own operations tell how a result is spread.
    """
    return jax.default_backend() == "cpu" and usable(KERNELS) and mesh_of(*arrays) is None


def lanes() -> int:
    """How many floats kernels that are written in vectors compute together: 8, or 16 with AVX-512; 0 where they cannot be called."""
    return loaded(KERNELS).phasewise_lanes() if usable(KERNELS) else 0


def has_bfloat16_dots() -> bool:
    """Whether kernels that are written for products of pairs of bfloat16 can be called, and the processor has nothing better."""
    return usable(KERNELS) and bool(loaded(KERNELS).phasewise_has_bfloat16_dots())


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16, as oneDNN can make it do; `KERNELS` know."""
    return usable(KERNELS) and bool(loaded(KERNELS).phasewise_has_bfloat16())


def are_expected() -> bool:
    """Whether this is a platform that native kernels are built for, and they are not turned off."""
    return is_supported() and not are_off()


def is_supported() -> bool:
    """Whether native kernels are built for this platform."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def are_off() -> bool:
    """Whether the environment turns native kernels off."""
    return _wish() in ("0", "off", "false", "no")


def are_always_called() -> bool:
    """Whether the environment asks for native kernels where XLA is faster, too."""
    return _wish() == "always"


def _wish():
    return os.environ.get("PHASEWISE_NATIVE", "").lower()


def limit() -> str:
    """What the environment lets kernels use at most; "" where it says nothing."""
    return os.environ.get("PHASEWISE_MAX_ISA", "").lower()


@functools.cache
def _loaded(library):
    """The library, or why not."""
    if are_off():
        return "the environment variable PHASEWISE_NATIVE turns them off."
    if not is_supported():
        return f"they are built for Linux on x86-64, and this is {platform.system()} on {platform.machine()}."
    if limit() not in ("", *INSTRUCTION_SETS):
        return f"the environment variable PHASEWISE_MAX_ISA is {limit()!r}, not one of {', '.join(INSTRUCTION_SETS)}."
    path = pathlib.Path(__file__).with_name(library.file)
    if not path.exists():
        return f"they were not built when phasewise was installed; with a C++17 compiler on the machine, {REMEDY}"
    try:
        library.prepare()
    except OSError as error:
        return f"{str(error).rstrip('.')}."
    try:
        check_whole(path)
        found = ctypes.CDLL(str(path))
        kernels = [(target, getattr(found, target)) for target in library.targets]
        if limit():
            library.limit(found, INSTRUCTION_SETS.index(limit()))
        jax.default_backend()  # XLA refuses what was built for another release only once it runs
        for target, kernel in kernels:
            jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(kernel), platform="cpu")
    except (OSError, AttributeError, jax.errors.JaxRuntimeError) as error:
        return f"they cannot be loaded: {str(error).rstrip('.')}. With a C++17 compiler on the machine, {REMEDY}"
    return found


def load_onednn() -> None:
    """Load oneDNN, so that libraries linked to it find it.

    Raises:
        OSError: it is not installed, or cannot be loaded.
    """
    path = _path_of_onednn()
    if path is None:
        raise OSError(f"oneDNN is missing: `pip install onednn-cpu-gomp=={VERSION_OF_ONEDNN}` brings it")
    try:
        check_whole(path)
        with _threads_that_sleep():
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        remedy = f"`pip install --force-reinstall --no-deps onednn-cpu-gomp=={VERSION_OF_ONEDNN}` brings it anew"
        raise OSError(f"oneDNN cannot be loaded: {error}; {remedy}") from error


def limit_onednn(_: ctypes.CDLL, level: int) -> None:
    """Let oneDNN, once loaded, use no more than `INSTRUCTION_SETS[level]`; it hears of that before its first call only."""
    sse41, avx2 = 0x1, 0x7  # as dnnl_types.h has them
    if level < INSTRUCTION_SETS.index("avx512"):
        ctypes.CDLL(None).dnnl_set_max_cpu_isa((sse41, avx2)[level])


@contextlib.contextmanager
def _threads_that_sleep() -> Iterator[None]:
    """OpenMP's threads, once loaded, wait asleep for work: spinning, as they do by default, they would take XLA's processors."""
    name = "OMP_WAIT_POLICY"
    is_ours = name not in os.environ
    if is_ours:
        os.environ[name] = "passive"
    try:
        yield
    finally:
        if is_ours:
            del os.environ[name]


def _path_of_onednn():
    try:
        files = importlib.metadata.files("onednn-cpu-gomp") or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (pathlib.Path(str(file.locate())).resolve() for file in files if file.name == "libdnnl.so.3")
    return next((path for path in found if path.exists()), None)


KERNELS = Library(
    "libphasewise_kernels.so",
    (
        "phasewise_threads",
        "phasewise_batch_moments",
        "phasewise_batch_normalize",
        "phasewise_batch_gradient",
        "phasewise_bfloat16_convolution",
        "phasewise_depthwise",
        "phasewise_direct",
        "phasewise_pointwise",
        "phasewise_winograd",
        "phasewise_lstm",
        "phasewise_lstm_gradient",
        "phasewise_max_pool",
        "phasewise_max_pool_gradient",
        "phasewise_average_pool",
        "phasewise_average_pool_gradient",
        "phasewise_adam",
        "phasewise_matrix_product",
        "phasewise_adam_of_product",
    ),
    limit=lambda library, level: library.phasewise_limit_instructions(level),
)
"""Kernels that need nothing but XLA."""

LIBRARIES = (KERNELS,)
