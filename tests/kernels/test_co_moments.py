"""Variances and covariances gathered batch by batch, against float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasewise.kernels.co_moments import CoMoments, co_moments, merged

RNG = np.random.default_rng(4)
VALUES = RNG.normal(size=(2, 12, 3)).astype(np.float32)
WEIGHTS = RNG.uniform(0.1, 2, (12, 3)).astype(np.float32)
NONE = CoMoments(jnp.zeros(3), jnp.zeros((2, 3)), jnp.zeros((2, 3)), jnp.zeros((2, 2, 3)))


def gathered(values, weights, sizes):
    found = NONE
    for part in np.split(np.arange(values.shape[1]), np.cumsum(sizes)[:-1]):
        found = merged(found, co_moments(jnp.asarray(values[:, part]), jnp.asarray(weights[part]), (0,)))
    return found


def in_float64(values, weights):
    x, w = np.float64(values), np.float64(weights)
    mean = (w * x).sum(1) / w.sum(0)
    rest = x - mean[:, None]
    return w.sum(0), mean, (w * rest[:, None] * rest[None]).sum(2)


def assert_right(found, wanted, rtol=1e-5):
    count, mean, products = wanted
    np.testing.assert_allclose(found.count, count, rtol=1e-6)
    np.testing.assert_allclose(np.float64(found.shift) + np.float64(found.offset), mean, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.products, products, rtol=rtol, atol=rtol * np.abs(products).max())


@pytest.mark.parametrize("far", [0, 1e4, -1e6])
@given(sizes=st.permutations([1, 1, 3, 7]))
@settings(max_examples=4, deadline=None)
def test_they_do_not_depend_on_the_batches_nor_on_how_far_from_zero_the_data_are(far, sizes):
    values = (VALUES + far).astype(np.float32)
    assert_right(gathered(values, WEIGHTS, sizes), in_float64(values, WEIGHTS))


def test_what_weighs_nothing_may_be_anything_and_a_batch_of_it_changes_nothing():
    weights, values = WEIGHTS.copy(), VALUES.copy()
    weights[:4], values[:, :4] = 0, np.nan
    assert_right(gathered(values, weights, [1, 3, 8]), in_float64(VALUES[:, 4:], WEIGHTS[4:]))
    before = gathered(VALUES, WEIGHTS, [12])
    after = merged(before, co_moments(jnp.asarray(values[:, :4]), jnp.asarray(weights[:4]), (0,)))
    for each, same in zip(before, after):
        np.testing.assert_array_equal(each, same)


def test_constant_data_have_no_deviation_at_all():
    found = gathered(np.full((2, 12, 3), 0.1, np.float32), WEIGHTS, [5, 7])
    assert (np.asarray(found.products) == 0).all()


def test_several_axes_are_taken_together():
    found = co_moments(jnp.asarray(VALUES), jnp.asarray(WEIGHTS), (0, 1))
    assert_right(found, in_float64(VALUES.reshape(2, 36), WEIGHTS.reshape(36)))
