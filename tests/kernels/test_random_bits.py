"""Random bits: as good as coin flips between places, steps and keys, for what masks need."""

import jax
import numpy as np
import pytest
from scipy import stats

from phasewise.kernels.random_bits import random_bits, standard_normal

SHAPE = (64, 256)


def draw(key, step):
    return np.asarray(random_bits(np.uint32(key), np.uint32(step), SHAPE))


def as_bits(words):
    """(places, 32) of 0 and 1."""
    return np.unpackbits(words.ravel().view(np.uint8).reshape(-1, 4), axis=1).astype(float)


@pytest.mark.parametrize("key, step", [(0, 0), (1, 0), (0, 1), (123456789, 4_000_000_000), (2**32 - 1, 7)])
def test_values_are_uniform(key, step):
    assert stats.kstest(draw(key, step).ravel() / 2**32, "uniform").pvalue > 1e-4
    flips = as_bits(draw(key, step)).mean(0)
    assert np.abs(flips - 0.5).max() < 5 * 0.5 / np.sqrt(np.prod(SHAPE))


@pytest.mark.parametrize(
    "other", [draw(8, 3), draw(7, 4), draw(7, 2**16 + 3), draw(7 ^ (1 << 31), 3), np.roll(draw(7, 3), 1, 0), draw(3, 7)]
)
def test_neighbouring_keys_steps_and_places_are_uncorrelated(other):
    agreement = (as_bits(draw(7, 3)) == as_bits(other)).mean()
    assert abs(agreement - 0.5) < 5 * 0.5 / np.sqrt(32 * np.prod(SHAPE))


def test_pairs_of_neighbours_fill_the_square_evenly():
    x = draw(7, 3).ravel() >> 28
    counts = np.zeros((16, 16))
    np.add.at(counts, (x[:-1], x[1:]), 1)
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4


def test_one_place_over_many_steps_is_uniform():
    words = np.asarray(jax.vmap(lambda step: random_bits(np.uint32(5), step, (3,)))(np.arange(4096, dtype=np.uint32)))
    for column in words.T:
        assert stats.kstest(column / 2**32, "uniform").pvalue > 1e-4
    assert np.abs(np.corrcoef(words.T.astype(float)) - np.eye(3)).max() < 0.08


def test_the_same_key_and_step_give_the_same_bits():
    np.testing.assert_array_equal(draw(3, 9), draw(3, 9))


def test_normal_draws_follow_the_normal_distribution():
    drawn = np.asarray(standard_normal(draw(7, 3)), np.float64).ravel()
    assert stats.kstest(drawn, "norm").pvalue > 1e-4
    assert abs(drawn.var() - 1) < 5 * np.sqrt(2 / drawn.size)
    assert abs(stats.kurtosis(drawn)) < 5 * np.sqrt(24 / drawn.size)


def test_the_ends_of_the_bits_are_finite_and_symmetric():
    ends = np.asarray(standard_normal(np.array([0, 2**32 - 1, 2**31 - 1, 2**31], np.uint32)), np.float64)
    np.testing.assert_allclose(ends[0], -ends[1])
    np.testing.assert_allclose(ends[2], -ends[3])
    assert 5 < ends[1] < 6
    assert 0 < ends[3] < 1e-6
