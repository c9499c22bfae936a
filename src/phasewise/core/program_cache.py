"""Compiled programs kept from one process to the next, in a folder of the user's.

It is JAX's persistent compilation cache, switched on, and bounded: the entries not used for longest go first, and a lock lets
several processes write. Who has set up JAX's cache for themselves keeps what they set.

The environment variable PHASEWISE_CACHE is "off", or names another folder.
"""

import hashlib
import os
import pathlib
import platform
import stat
import sys

import jax
from jax._src.lru_cache import LRUCache  # nothing public says how long it waits

MOST_BYTES = 128 << 20  # every write looks at all entries, so that thousands of them would cost more than they save
LEAST_SECONDS = 0.03  # of compilation, from which on a program is kept: to find one takes 0.01
LONGEST_WAIT = 0.2  # seconds for the lock, which a process that was suspended may hold for hours: JAX's 10, twice a program, look like a hang


def switch_on() -> None:
    """Use the folder that PHASEWISE_CACHE names, else the user's own; without one that is safe to use, nothing is kept."""
    wanted = os.environ.get("PHASEWISE_CACHE", "")
    if wanted.lower() in ("off", "0", "false", "no") or jax.config.jax_compilation_cache_dir is not None:
        return
    folder = pathlib.Path(wanted).expanduser() if wanted else users_folder()
    folder = folder / _machine()
    if not _is_ours_alone(folder):
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_compilation_cache_max_size", MOST_BYTES)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    LRUCache.__init__.__kwdefaults__["lock_timeout_secs"] = LONGEST_WAIT


def users_folder() -> pathlib.Path:
    """Where the system keeps caches of a user's."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(base).expanduser() / "phasewise"


def _machine():
    """A name for this kind of processor: what is compiled for one must not run on another that shares the folder."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        told = "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))
    except OSError:
        told = platform.processor()
    return f"{platform.machine()}-{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"


def _is_ours_alone(folder):
    """Whether the folder is there, can be written to, and by nobody else: programs are run from it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return False
    if hasattr(os, "getuid") and (about.st_uid != os.getuid() or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        return False
    return os.access(folder, os.W_OK | os.X_OK)
