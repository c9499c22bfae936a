"""Mean and variance of a whole from those of its parts."""

import numpy as np


def merged(counts, means, variances):
    """The count, mean and variance of parts taken together, along axis 0, in float64.

    `mean = sum(n_i mean_i) / n` and `variance = sum(n_i (variance_i + (mean_i - mean)²)) / n`: Chan, Golub & LeVeque
    (1979), equation 2.1, for any number of parts.

    Args:
        counts: (parts,) or the shape of `means`: how many values each part has; a part of none may hold any mean and
            variance, NaN too.
        means, variances: (parts, ...); the variances biased (divided by the count).

    Returns:
        (count, mean, variance), the parts' axis gone; all 0 where there are no values.
    """
    counts, means, variances = (np.asarray(part, np.float64) for part in (counts, means, variances))
    aligned = counts.reshape(counts.shape + (1,) * (means.ndim - counts.ndim))
    means, variances = (np.where(aligned > 0, part, 0) for part in (means, variances))
    total = aligned.sum(0)
    share = aligned / np.where(total > 0, total, 1)
    mean = (share * means).sum(0)
    variance = (share * (variances + np.square(means - mean))).sum(0)
    return counts.sum(0), mean, variance
