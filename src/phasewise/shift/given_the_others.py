"""Is a channel where the other channels let it be expected? Together they tell of a displacement that one alone hides in its spread."""

import dataclasses

import numpy as np

from phasewise.shift.significance import Evidence, spread_under_hypothesis, two_sided

RIDGE = 0.01
"""The share of a variance that counts as noise of a channel's own, so that no more than 99 % of it is ever explained."""
EXPLAINED = 0.2
"""Channels of which the others explain less than this share of the variance are not tested: a test alone finds as much."""
SETTLED = 0.1
"""How uncertain a variance may be, as the square of its relative standard error, for a channel to take part."""
LEAST_SQUARE = 0.5


@dataclasses.dataclass(frozen=True)
class Unexpected:
    """What of a displacement the other channels do not explain. Arrays (channels,).

    Attributes:
        displacement: in standard deviations of training; 0 where a channel is not tested.
        error: its standard error; infinite there.
        p: two-sided; 1 there.
    """

    displacement: np.ndarray
    error: np.ndarray
    p: np.ndarray

    @classmethod
    def none(cls, channels: int) -> "Unexpected":
        """No channel is tested."""
        return cls(np.zeros(channels), np.full(channels, np.inf), np.ones(channels))


def against_moving(found, mean, variance, epsilon, evidence):
    """`Unexpected` of rows against the mean that a layer normalizes with.

    A channel j is regressed on the others over the n rows, each held against its moving mean. Where nothing has shifted the intercept b is 0, and

        t = b / sqrt(s² (1/n + 1/m + h)),  s² = (n - 1) / (n - k) / (P_jj),  b = (P d)_j / P_jj,  n - k degrees of freedom,

    with d the displacements, P the inverse of the covariance between rows, k the number of channels, m the effective number of rows behind the moving mean and
    h = (d' P d - b² P_jj) / (n - 1), the other channels' own Mahalanobis distance. Of normal rows that is exact for any covariance: the t-test of a
    regression's intercept. A displacement of one channel counts 1 / sqrt(1 - R²) times as much as alone, R² the share of its variance that the
    others explain; one of all channels in the way in which they usually go together counts less, so that this stands beside the tests
    of channels alone and not in their place.

    Rows are seldom normal. So a channel takes part only where its variance is known well enough (a standard error of at most a third), and is not much below
    the moving one, as it is where large values are rare; there are at least two rows for each that does; the variance is taken at the scale of
    the moving one where that is larger; and a hundredth of it is noise, as epsilon is.

    Sources: Hawkins (1991), "Multivariate quality control based on regression-adjusted variables", the terms of Hotelling's T² (1931);
    Mason, Tracy & Young (1995).

    Args: as `phasewise.shift.significance.against_moving`.
    """
    scale = np.sqrt(np.asarray(variance, np.float64) + epsilon)
    scale = np.where(scale > 0, scale, 1)
    added = epsilon / scale**2
    left = np.maximum(1 - added, 1e-12)
    of_means, _ = spread_under_hypothesis(found, found.square + added, added)
    part = _settled(found) & (found.square > LEAST_SQUARE * left)
    noise = np.maximum(RIDGE, added / np.maximum(found.square, 1e-30))
    larger = of_means / np.maximum(found.variance_of_means, 1e-30)
    return _unexpected(
        found.covariance_of_means, found.rows.max(), (found.centre - mean) / scale, evidence, part, noise, larger
    )


def against_reference(found, reference):
    """`Unexpected` of rows against reference rows: as above, with the pooled covariance of both and its degrees of freedom.

    Args:
        found, reference: `phasewise.shift.row_statistics.Rows` in the same unit.
    """
    each = (found, reference)
    if any(rows.covariance_of_means is None for rows in each):
        return Unexpected.none(len(found.scale))
    free = [rows.rows.max() - 1 for rows in each]
    pooled = sum(f * rows.covariance_of_means for f, rows in zip(free, each)) / sum(free)
    variance = np.maximum(np.diag(pooled), 1e-30)
    alike = [rows.variance_of_means > LEAST_SQUARE * variance for rows in each]
    part = _settled(found) & _settled(reference) & alike[0] & alike[1]
    known = Evidence(float(reference.rows.max()), float(reference.rows.max()), "reference")
    difference = (found.centre - reference.centre) / found.scale
    one = np.ones_like(variance)
    return _unexpected(pooled, found.rows.max(), difference, known, part, RIDGE * one, one, sum(free))


def _settled(rows):
    error = rows.variance_of_squares / np.maximum(rows.square, 1e-30) ** 2 / np.maximum(rows.rows, 1)
    return (rows.square > 0) & (rows.variance_of_means > 0) & (error < SETTLED)


def _unexpected(covariance, n, distance, evidence, part, noise, larger, free=None):
    """Args:
    covariance: (channels, channels) or None. n: rows. distance: (channels,). part: boolean, which take part.
    noise: (channels,), as shares of the variances. larger: (channels,), what these are multiplied with.
    free: degrees of freedom of the covariance, n - 1 where left out.
    """
    tested = Unexpected.none(len(distance))
    free = n - 1 if free is None else free
    k = int(part.sum())
    if covariance is None or k < 2 or n < 2 * k:
        return tested
    unit = np.sqrt(np.diag(covariance)[part])
    correlation = covariance[np.ix_(part, part)] / np.outer(unit, unit)
    inverse = np.linalg.inv(correlation + np.diag(noise[part]))
    d, own = distance[part] / unit, np.diag(inverse)
    b = inverse @ d / own
    others = np.maximum(d @ inverse @ d - b**2 * own, 0) / free
    variance = free / (free + 1 - k) / own * larger[part]
    error = np.sqrt(variance * (1 / n + 1 / evidence.rows + others))
    p = two_sided(b, error, free + 1 - k)
    is_explained = free / (free + 1 - k) / own < 1 - EXPLAINED
    at = np.flatnonzero(part)[is_explained]
    for kept, values in ((tested.displacement, b * unit), (tested.error, error * unit), (tested.p, p)):
        kept[at] = values[is_explained]
    return tested
