"""The mean and mean square of each row's positions, whichever way they are added."""

import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.kernels.row_moments import row_moments


@pytest.mark.parametrize("positions", [1, 5, 49, 96, 1024])
@pytest.mark.parametrize("channels", [1, 3, 16, 130])
def test_row_moments_are_those_of_float64(positions, channels):
    rng = np.random.default_rng(positions + channels)
    x = (rng.normal(size=(6, positions, channels)) * 3 + 1e3).astype("float32")
    scale = rng.uniform(0.5, 4, channels).astype("float32")
    found = row_moments(jnp.asarray(x), scale)
    z = (x.astype(np.float64) - np.asarray(found.shift, np.float64)) / scale
    np.testing.assert_allclose(found.mean, z.mean(1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.square, np.square(z).mean(1), rtol=1e-5, atol=1e-6)
    assert float(found.positions) == positions and np.ptp(found.share) == 0
