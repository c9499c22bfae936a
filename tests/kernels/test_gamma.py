"""Draws from the gamma, beta and Dirichlet distributions, held against SciPy's distribution functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from phasewise.kernels.gamma import BITS, log_gamma_draws
from phasewise.kernels.random_bits import random_bits

COUNT = 20000


def draws(alpha, columns=1):
    return np.asarray(log_gamma_draws(random_bits(np.uint32(1), np.uint32(2), (COUNT, columns, BITS)), alpha), float)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.5, 30.0])
def test_gamma_and_beta_draws_follow_their_distributions(alpha):
    both = draws(alpha, 2)
    assert stats.kstest(np.exp(both[:, 0]), stats.gamma(alpha).cdf).pvalue > 1e-3
    weights = 1 / (1 + np.exp(both[:, 1] - both[:, 0]))  # in float64: an end of the range is not rounded to
    assert stats.kstest(weights, stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(both.T)[0, 1]) < 0.03


def test_an_alpha_of_almost_nothing_gives_weights_of_nothing_and_all():
    found = draws(1e-6, 2)
    assert np.isfinite(found).all()
    weights = np.asarray(jax.nn.softmax(jnp.asarray(found), axis=1))[:, 0]
    assert (weights == weights.round()).mean() > 0.999
    assert 0.48 < weights.mean() < 0.52
