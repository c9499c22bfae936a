"""Random layers through the native kernels and through XLA: `endurance.py`, for seconds instead of an hour."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from endurance import compared, difference, in_xla

import phasewise as pw
from phasewise.kernels.native import convolution
from phasewise.kernels.native.library import reason_against

REASON = reason_against(convolution.LIBRARY)
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"No native kernels to compare with XLA: {REASON}")


@pytest.fixture(autouse=True)
def however_small(monkeypatch):
    monkeypatch.setenv("PHASEWISE_NATIVE", "always")


def test_native_kernels_and_xla_give_the_same_numbers_for_random_layers():
    kernels = [compared(seed) for seed in range(8)]
    assert any(kernels), "no native kernel was called"


@pytest.mark.parametrize("channels", [8, 24])
def test_weight_gradients_of_padded_convolutions_with_dilated_rows_are_numbers_in_bfloat16(channels):
    layer = pw.layers.Conv2D(22, 4, dilation_rate=(2, 1), padding="same", groups=2, dtype="mixed_bfloat16")
    layer.build((8, 12, 29, 2 * channels))
    function, weights, state = pw.pure(layer)
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((8, 12, 29, 2 * channels)), jnp.bfloat16)
    slope = jnp.asarray(rng.standard_normal((8, 12, 29, 22)), jnp.bfloat16)

    def gradients(weights, x, slope):
        return jax.vjp(lambda weights: function(weights, state, x)[0], weights)[1](slope)

    program = jax.jit(gradients)
    expected = jax.tree.leaves(in_xla(gradients, (weights, x, slope)))
    for _ in range(10):
        found = jax.tree.leaves(program(weights, x, slope))
        assert all(difference(one, other) <= 2e-2 for one, other in zip(found, expected, strict=True))
