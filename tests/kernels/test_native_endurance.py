"""Random layers through the native kernels and through XLA: `endurance.py`, for seconds instead of an hour."""

import pytest
from endurance import compared

from phasewise.kernels.native import convolution
from phasewise.kernels.native.library import reason_against

REASON = reason_against(convolution.LIBRARY)
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"No native kernels to compare with XLA: {REASON}")


def test_native_kernels_and_xla_give_the_same_numbers_for_random_layers():
    kernels = [compared(seed) for seed in range(8)]
    assert any(kernels), "no native kernel was called"
