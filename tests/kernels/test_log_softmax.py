"""log_softmax against float64: values, gradients, second derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.kernels.log_softmax import log_softmax

TINIEST = np.finfo(np.float32).tiny  # below this, float32 has no digits to keep
POINTS = [
    [20.0, 0.0, -3.0],
    [7.0, 7.0, 7.0],
    [7.0, 7.0, 0.0],
    [300.0, 0.0, -200.0],
    [1.0, 2.0, 3.0],
    [-np.inf, 0.0, 1.0],
]


def exact(x):
    """(log p, p, 1 - p) in float64."""
    x = np.float64(x)
    odds = np.array(
        [sum(np.exp(b - a) for j, b in enumerate(x) if j != i) if np.isfinite(a) else np.inf for i, a in enumerate(x)]
    )
    with np.errstate(all="ignore"):
        return -np.log1p(odds), 1 / (1 + odds), np.where(np.isinf(odds), 1, odds / (1 + odds))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("x", POINTS, ids=str)
def test_values_and_gradients_have_all_digits(x):
    logs, p, rest = exact(x)
    x = jnp.asarray(x, jnp.float32)
    np.testing.assert_allclose(log_softmax(x, -1), logs, rtol=1e-6, atol=TINIEST)
    np.testing.assert_allclose(log_softmax(x[:, None], 0)[:, 0], logs, rtol=1e-6, atol=TINIEST)
    jacobian = np.where(np.eye(3, dtype=bool), rest[:, None], -p)
    np.testing.assert_allclose(jax.jacrev(log_softmax)(x, -1), jacobian, rtol=1e-5, atol=TINIEST)
    np.testing.assert_allclose(jax.jacfwd(log_softmax)(x, -1), jacobian, rtol=1e-5, atol=3e-7)


@pytest.mark.parametrize("x", POINTS[:5], ids=str)
def test_second_derivatives_are_right(x):
    _, p, _ = exact(x)
    hessian = jax.hessian(lambda x: log_softmax(x, -1)[1])(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(hessian, np.outer(p, p) - np.diag(p), rtol=1e-5, atol=1e-6)
