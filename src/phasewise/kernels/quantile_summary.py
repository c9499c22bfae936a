"""Quantiles of data that come part by part, in bounded memory: a summary of values with weights that is merged and thinned out.

As in Keras's `Discretization`. A summary is an array (2, entries): values in order, and how many of the data each stands for.
"""

import numpy as np


def summarized(values, epsilon):
    """The summary of one part of the data: of n values, every (n * epsilon)-th.

    Args:
        values: floating, at least one.
        epsilon: float in (0, 1], the share of the data that one entry stands for, at least.
    """
    ordered = np.sort(np.ravel(values))
    step = max(ordered.size * epsilon, 1)
    chosen = ordered[int(step - 1) :: int(step)]
    return np.stack([chosen, np.full(len(chosen), step)])


def merged(first, second, epsilon):
    """The summary of two parts together."""
    both = np.concatenate([first, second], axis=1)
    return _thinned_out(both[:, np.argsort(both[0], kind="stable")], epsilon)


def boundaries(summary, bins):
    """The `bins` - 1 values between which equal shares of the data lie."""
    return _thinned_out(summary, 1 / bins)[0, :-1]


def _thinned_out(summary, epsilon):
    """Entries that stand for a share of `epsilon` each, interpolated between those that are there; few stay as they are."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    reached = summary[1].cumsum()
    values = np.interp(shares, reached / reached[-1], summary[0])
    weights = np.interp(shares, reached / reached[-1], reached)
    return np.stack([values, np.diff(weights, prepend=0.0)])
