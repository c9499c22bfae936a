"""What all tests share: Keras on JAX as the reference, and a clean learning phase."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("PHASEWISE_CACHE", "off")  # what a test compiles is compiled there and then
# Keras's programs and single operations compile in two thirds of the time; phasewise chooses for its own (core/compiler.py).
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

import pytest

import phasewise as pw


@pytest.fixture(autouse=True)
def fresh_state():
    """Each test begins with the same seed, no pinned phase, and names counted from the start."""
    pw.set_random_seed(1)
    pw.backend.clear_session(free_memory=False)
    yield
    pw.backend.set_learning_phase(None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of the cases of a test marked `few(n)`, n from all over its table belong to every run, the others to `make test-all`."""
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
