"""What tests of native kernels share."""

import jax
import pytest

from phasewise.kernels.native.library import INSTRUCTION_SETS, KERNELS, limit, loaded


@pytest.fixture
def however_small(monkeypatch):
    """Native kernels are called where XLA would be faster, too. What was traced before, or is here, was made for another size."""
    monkeypatch.setenv("PHASEWISE_NATIVE", "always")
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.fixture(params=["avx2", "baseline"])
def lesser_processor(request, however_small):
    """Native kernels use no more instructions than a processor of this kind has."""
    at_most = loaded(KERNELS).phasewise_limit_instructions
    at_most(INSTRUCTION_SETS.index(request.param))
    yield request.param
    at_most(INSTRUCTION_SETS.index(limit() or "avx512"))
