"""Moments of parts, merged: those of the whole, however it is cut."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phasewise.kernels.population import merged


def parts_of(x, cuts):
    """Counts, means and variances of the runs of rows between the cuts."""
    runs = np.split(x, sorted(cuts))
    counts = np.array([len(run) for run in runs])
    means, variances = (
        np.stack([f(run, axis=0) if len(run) else np.full(x.shape[1:], np.nan) for run in runs])
        for f in (np.mean, np.var)
    )
    return counts, means, variances


@given(st.lists(st.integers(0, 50), max_size=6), st.sampled_from([0.0, 1e3, 1e5]))
@settings(max_examples=60, deadline=None)
def test_any_cut_gives_the_moments_of_the_whole(cuts, ratio):
    x = np.random.default_rng(len(cuts)).normal(size=(50, 3)) + ratio
    count, mean, variance = merged(*parts_of(x, cuts))
    assert count == 50
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(variance, x.var(0), rtol=1e-10)


def test_each_entry_may_have_its_own_count():
    counts = np.array([[2, 0], [2, 3]])
    means, variances = np.array([[1.0, 7.0], [3.0, 5.0]]), np.array([[0.0, 9.0], [0.0, 4.0]])
    count, mean, variance = merged(counts, means, variances)
    np.testing.assert_array_equal(count, [4, 3])
    np.testing.assert_array_equal(mean, [2, 5])
    np.testing.assert_array_equal(variance, [1, 4])


def test_nothing_at_all_has_count_mean_and_variance_zero():
    for counts, shape in ((np.zeros(2), (2, 3)), (np.zeros(0), (0, 3))):
        count, mean, variance = merged(counts, np.full(shape, np.nan), np.full(shape, np.nan))
        assert count == 0
        np.testing.assert_array_equal(mean, np.zeros(3))
        np.testing.assert_array_equal(variance, np.zeros(3))


def test_single_numbers_are_merged_in_float64():
    count, mean, variance = merged([1, 1], np.float32([1, 2]), np.float32([0, 0]))
    assert (count, mean, variance) == (2, 1.5, 0.25)
    assert mean.dtype == np.float64
