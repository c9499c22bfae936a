"""Tests that hold at every time at once: how far a running mean may be from what it should be, however long one looks."""

import numpy as np


def log_evidence(total, variance, count, prior):
    """log of the mixture martingale of a sum, the evidence against a mean of 0.

    For S = sum of terms with mean 0 and variances that add up to V, exp(lambda S - lambda² V / 2) has a mean of at most about 1 for every
    lambda; mixed over lambda ~ N(0, 1 / rho) it is sqrt(rho / (rho + V)) exp(S² / (2 (rho + V))), and by Ville's inequality it ever exceeds 1 / alpha
    with a probability of at most alpha: Robbins (1970), "Statistical methods related to the law of the iterated logarithm", equation 14;
    with an estimated variance it holds asymptotically: Waudby-Smith et al. (2021), "Time-uniform central limit theory", theorem 2.2.

    Args:
        total: S. variance: V, at least 0. count: how many terms; nothing is said of none.
        prior: rho, above 0: evidence grows fastest where V is about rho.
    """
    spread = prior + np.maximum(variance, 0)
    evidence = 0.5 * np.log(prior / spread) + total**2 / (2 * spread)
    return np.where(count > 0, evidence, 0.0)
