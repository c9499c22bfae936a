"""What tests of native kernels share."""

import jax
import pytest


@pytest.fixture
def however_small(monkeypatch):
    """Native kernels are called where XLA would be faster, too. What was traced before, or is here, was made for another size."""
    monkeypatch.setenv("PHASEWISE_NATIVE", "always")
    jax.clear_caches()
    yield
    jax.clear_caches()
