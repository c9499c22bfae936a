"""What all tests share: Keras on JAX as the reference, and a clean learning phase."""

import functools
import gc
import os
import re
import shutil
import signal
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("PHASEWISE_CACHE", "off")  # nothing of an earlier run is found, nor left for a later one
# Keras's programs and single operations compile in half of the time; phasewise chooses for its own (core/compiler.py).
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1",
)

# Hundreds of tests make the same small model again: what one of them compiled is found by the next. Each process has a folder of
# its own, since two that write to one may read each other's halves.
os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="phasewise-compiled-")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.03")
os.environ.setdefault("JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES", "none")

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # as in a job in the background: tests of Ctrl-C send it to themselves
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest

import phasewise as pw
from phasewise.core import compiler, precision

LONGEST = (
    "test_application_files.py",
    "test_backup.py",
    "test_examples.py",
    "test_fit_parity.py",
    "test_recurrent_statistics.py",
)

FOR_USERS = compiler.LLVM_LEVEL


def pytest_configure(config):
    """Programs live in circles, which are collected when there are many of them: each look at all objects takes half a second."""
    gc.set_threshold(20_000, 20, 20)
    config.compiles_for_users = "not extensive" not in config.option.markexpr


def pytest_collection_finish():
    gc.collect()
    gc.freeze()  # modules, tables of cases: they are there until the end


@functools.cache
def is_about_digits(path):
    """Whether what a compiled program computes to the last digit is what a file of tests is about: then one of its tests says so."""
    if path.parent.name == "kernels":
        return True
    return re.search(r"def test_\w*(bits|digits|float64)", path.read_text()) is not None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """`make test` lets LLVM do nothing beyond the translation, half of the time of compiling, where no digit depends on it; `make test-all`
    compiles everything as it is compiled for users.

    A file that is marked `as_for_users` holds what another process computes against its own, or runs longer than it takes to be compiled.
    """
    asked = item.config.compiles_for_users or item.get_closest_marker("as_for_users")
    compiler.LLVM_LEVEL = FOR_USERS if asked or is_about_digits(item.path) else 0


def pytest_sessionfinish():  # in each process of a run; those that xdist starts are not unconfigured
    shutil.rmtree(os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)


@pytest.fixture(autouse=True)
def fresh_state(monkeypatch):
    """Each test begins with the same seed, no pinned phase, no dtype policy set, and names counted from the start."""
    monkeypatch.setitem(precision._global, "policy", None)
    pw.set_random_seed(1)
    pw.backend.clear_session(free_memory=False)
    yield
    pw.backend.set_learning_phase(None)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """What the tests of a file share is made before `fresh_state`, and must not depend on which test ran before: seed and names."""
    if fixturedef.scope != "function":
        pw.set_random_seed(1)
        pw.backend.clear_session(free_memory=False)
        if "keras" in sys.modules:
            sys.modules["keras"].utils.clear_session(free_memory=False)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of the cases of a test marked `few(n)`, n from all over its table belong to every run, the others to `make test-all`.

    The files that take longest come first, so that no process is left alone with one of them at the end.
    """
    items.sort(key=lambda item: item.path.name not in LONGEST)
    cases = {}
    for item in items:
        if item.get_closest_marker("few") and not item.get_closest_marker("extensive"):
            cases.setdefault((item.path, getattr(item, "cls", None), item.originalname), []).append(item)
    for group in cases.values():
        (count,) = group[0].get_closest_marker("few").args
        kept = {place * len(group) // count for place in range(count)}
        for place, item in enumerate(group):
            if place not in kept:
                item.add_marker(pytest.mark.extensive)
