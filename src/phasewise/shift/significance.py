"""Is what the rows say more than chance? Tests of a channel's mean and variance, corrected for their number."""

import dataclasses

import numpy as np

CONSTANT = 1e-10  # a variance, in units of the moving one, that is rounding
RARE = 0.5
"""The size of rows that may be missing where a variance is too small, as a share of the largest that was seen."""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """How well the statistics that data are held against are known.

    Attributes:
        rows: effective number of rows that they were taken over; infinite where they count as exact.
        batch: rows in each batch whose (biased) variance went into them; infinite where the variance is that of all rows.
        source: in words.
    """

    rows: float
    batch: float
    source: str


def against_moving(found, mean, variance, epsilon, evidence):
    """Two-sided p-values of the hypotheses that rows have the mean, and the variance, that a layer normalizes with.

    The unit is the row. With z = (x - moving mean) / s, s² = moving variance + epsilon, over n rows, each of which has a mean z_r
    and a mean square q_r about the data's own mean:

    - mean: t = mean(z_r) / sqrt(V (1/n + 1/m)), n - 1 degrees of freedom, with V the variance of z_r between rows and m the
      effective number of rows behind the moving mean: an exponential average of batches of B rows with momentum p has the variance
      of B (1 + p) / (1 - p) of them;
    - variance: t = (mean(q_r) - q_0) / sqrt(W (1/n + 1/m)), with W the variance of q_r between rows; that needs no normality.
      q_0 = 1 + V/B - V/n: the batches' variances are biased, and so is that of the rows.

    A test of the variance of few rows by its t alone is wrong by a factor of hundreds in the tail: where by chance no large value is
    among the rows both the mean of q_r and their spread are small. So the spread is that which the hypothesis implies: V and W are taken at the scale
    of the moving variance where the data's is smaller (V / q, W / q², with q the mean of q_r and at most 1: the score test's
    in the place of Wald's; Rao 1948), W at least 2 / positions, that of independent normal values, and V at least 1 / positions. Where
    the data's variance is the smaller one, W is also at least the mean of the layer's channels: a channel that is seldom active shows its
    large values in few rows or none.

    That is no help where a few rows of a channel that is active in all carry much of its variance: of 512 rows of scikit-learn's breast cancer data one in six
    lacks the two that make a third of it, and none of its own tells so. What the moving variance has and the rows have not, 1 - q, would
    have to be in such rows; of the size h above q they would add (1 - q) h to W. Added is that of h half as far from q as the largest row (`RARE`), which
    is little where all rows are alike and much where one stands out: audits of 512 unshifted rows of those data, as they
    are or standardized, alarm in 0.6 and 0.7 % of draws so, and did in 4.3 and 4.6. It costs power of a smaller variance alone: of normal values, 128 rows
    and 6 channels, 0.6 of a deviation is found in 86 % (99), 0.7 in 14 (54), and in 512 rows 0.8 in 94 (100). That the t of a mean of skewed values is skewed
    the other way, and rejects too often on the side where they end, was known to Johnson (1978), "Modified t tests and confidence intervals for asymmetrical
    populations". A correction by the third moment of the rows, such as Hall's (1992), "On the removal of skewness by transformation", knows of
    what was seen alone: it leaves 1.5 and 1.7 % here.

    A channel that is the same number c in all rows has no spread to go by. There p = (1 + d²)^-n, d = (c - moving mean) / moving
    deviation, without any assumption: by the inequality of Cauchy and Schwarz a share of at least d² / (1 + d²) of all rows is not
    at c.

    Sources: Student (1908); Welch (1947) for the sum of two uncertain means; Rao (1948), "Large sample tests of statistical
    hypotheses", for a variance under the hypothesis.

    Args:
        found: `phasewise.shift.row_statistics.Rows`, in units of s.
        mean, variance: (channels,), the moving ones.
        epsilon: number of at least 0.
        evidence: `Evidence`.

    Returns:
        (p of the means, p of the variances, standard error of the means), each (channels,). 1 where there are fewer than 2 rows.
    """
    scale = _scale(variance, epsilon)
    added = np.where(scale**2 > 0, epsilon / np.where(scale > 0, scale, 1) ** 2, 0)
    n = np.maximum(found.rows, 1)
    square = (
        found.square + added
    )  # epsilon is as noise of the layer's own: what hardly varies is not held to its digits
    between, of_squares = spread_under_hypothesis(found, square, added)
    inverse = 1 / n + 1 / evidence.rows
    error = np.sqrt(between * inverse)
    distance = (found.centre - mean) / scale
    excess = square + found.variance_of_means / n - 1 - np.minimum(found.variance_of_means, 1) / evidence.batch
    of_means = two_sided(distance, error, n - 1)
    of_variances = two_sided(excess, np.sqrt(of_squares * inverse), n - 1)
    constant, too_few = found.square < CONSTANT, found.rows < 2
    of_constant = np.exp(-n * np.log1p(np.square(found.centre - mean) / np.maximum(variance, 1e-300)))
    of_means, of_variances = (
        np.where(too_few, 1, np.where(constant, of_constant, p)) for p in (of_means, of_variances)
    )
    return of_means, of_variances, error


def spread_under_hypothesis(found, square, added):
    """(V, W): variances between rows at the scale that the hypothesis implies."""
    shrunk = np.clip(found.square / np.maximum(1 - added, 1e-12), 1e-12, 1)  # what is left of the moving variance
    between = np.maximum(found.variance_of_means / shrunk, 1 / found.positions)
    between = np.minimum(between, np.maximum(found.variance_of_means, 1))  # row means vary no more than values
    of_squares = np.maximum(found.variance_of_squares / shrunk**2, 2 / found.positions)
    counted = found.rows >= 2
    of_layer = of_squares[counted].mean() if counted.any() else 0.0
    of_squares = np.where(square < 1, np.maximum(of_squares, of_layer), of_squares)
    of_squares = of_squares + RARE * np.maximum(1 - square, 0) * np.maximum(found.largest - found.square, 0)
    return between, of_squares


def against_reference(found, reference, epsilon):
    """Welch's two-sample tests (1947) of means and variances: data and reference data, of which neither is exact.

    t = (difference) / sqrt(V1/n1 + V2/n2), with the degrees of freedom of Welch and Satterthwaite; for the variance on the logarithm
    of the mean squares, whose standard error is W/q² / n (the delta method), which few rows distort less.

    A channel that is seldom active may never be so in one of the two, which then has no spread to tell how far off chance can bring it. So
    each p is at least that of Student's test, of the difference of means, or of mean squares, over sqrt(V (1/n1 + 1/n2)), V the variance between all rows as
    one sample: what it is where nothing has shifted.

    Args:
        found, reference: `phasewise.shift.row_statistics.Rows` in the same unit.
        epsilon: number of at least 0, as noise of the layer's own, of which the logarithm is not held to digits.

    Returns:
        As `against_moving`.
    """
    parts = [(each, np.maximum(each.rows, 2)) for each in (found, reference)]
    of_means = [np.maximum(each.variance_of_means, CONSTANT) for each, _ in parts]
    v1, v2 = (variance / n for variance, (_, n) in zip(of_means, parts))
    added = epsilon / found.scale**2
    squares = [np.maximum(each.square + added + each.variance_of_means / n, 1e-30) for each, n in parts]
    least = np.maximum(*[each.variance_of_squares / q**2 for (each, _), q in zip(parts, squares)])
    w1, w2 = (np.maximum(least, 2 / each.positions) / n for each, n in parts)
    error, distance = np.sqrt(v1 + v2), (found.centre - reference.centre) / found.scale
    of_squares = [each.variance_of_squares for each, _ in parts]
    of_ratio = two_sided(np.log(squares[0] / squares[1]), np.sqrt(w1 + w2), _satterthwaite(w1, w2, parts))
    return (
        np.maximum(
            two_sided(distance, error, _satterthwaite(v1, v2, parts)), _as_one_sample(distance, of_means, parts)
        ),
        np.maximum(of_ratio, _as_one_sample(squares[0] - squares[1], of_squares, parts)),
        error,
    )


def _as_one_sample(difference, variances, parts):
    """p-values of a difference of means between two samples whose spread is that of both together."""
    (_, n1), (_, n2) = parts
    within = (n1 - 1) * variances[0] + (n2 - 1) * variances[1]
    variance = (within + n1 * n2 / (n1 + n2) * difference**2) / (n1 + n2 - 1)
    return two_sided(difference, np.sqrt(variance * (1 / n1 + 1 / n2)), n1 + n2 - 2)


def _satterthwaite(first, second, parts):
    n1, n2 = (n for _, n in parts)
    below = first**2 / (n1 - 1) + second**2 / (n2 - 1)
    return np.where(below > 0, (first + second) ** 2 / np.where(below > 0, below, 1), n1 + n2 - 2)


def holm(p, weights=None):
    """p-values adjusted for their number: Holm (1979), "A simple sequentially rejective multiple test procedure".

    Of hypotheses with weights w, taken in ascending order of p / w, p_(i) becomes the max over j <= i of min(1, p_(j) / w_(j) * (w_(j) +
    w_(j+1) + …)): rejecting where that is at most alpha makes an error anywhere among them with a probability of at most alpha, however they
    depend on each other. Each is tested at alpha * w / (sum of w) at the least; what is rejected leaves its share to the rest. Equal weights
    are the plain procedure, (m - j + 1) p_(j); unequal ones are section 4 of the same paper (alternative forms: Benjamini & Hochberg 1997).

    Args:
        p: (m,), or any shape, whose entries then count together.
        weights: positive, of the shape of `p`; left out, they are equal.
    """
    flat = np.ravel(p)
    w = np.ones_like(flat) if weights is None else np.ravel(weights)
    order = np.argsort(flat / w, kind="stable")
    left = np.cumsum(w[order][::-1])[::-1]
    adjusted = np.empty_like(flat)
    adjusted[order] = np.maximum.accumulate(np.minimum(flat[order] / w[order] * left, 1))
    return adjusted.reshape(np.shape(p))


def critical(alpha, freedom):
    """The t-value that a two-sided test at `alpha` asks for."""
    from scipy.special import stdtrit  # scipy takes a while to import

    return -stdtrit(np.maximum(freedom, 1), alpha / 2)


def two_sided(difference, error, freedom):
    """p-values of a t-test, each of the shape of its arguments."""
    from scipy.special import stdtr

    t = np.abs(difference) / np.where(error > 0, error, 1)
    t = np.where(error > 0, t, np.where(np.abs(difference) > 0, np.inf, 0))
    return np.minimum(2 * stdtr(np.maximum(freedom, 1), -t), 1)


def _scale(variance, epsilon):
    scale = np.sqrt(np.asarray(variance, np.float64) + epsilon)
    return np.where(scale > 0, scale, 1)
