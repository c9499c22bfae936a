"""Prediction whose outputs come with what the rows say at every normalization call."""

import jax

from phasewise.kernels.row_moments import row_sums
from phasewise.switch.collected_rows import collected_rows
from phasewise.training.loop import MapProgram
from phasewise.training.step import unpack

MOST_TOGETHER = 128  # channels: their covariance is as many numbers squared


class RowProgram(MapProgram):
    """Gives (outputs, a `RowSums` for each normalization call); `owners` are the averages that these are held against, in order.

    Args:
        predicted: a step of prediction, see `phasewise.training.step.predict_step`.
        weights: `phasewise.training.weights.Weights` of the model.
        with_means: whether the means of each row come too, of the first call, where its channels are few enough.
    """

    def __init__(self, predicted, weights, with_means=False):
        self.owners = []

        def step(state, batch, valid, numbers):
            with collected_rows(jax.tree.leaves(unpack(batch)[0])[0].shape[0]) as entries:
                result = predicted(state, batch, valid, numbers)
            self.owners[:] = [average for average, _ in entries]
            joint = [
                with_means and i == 0 and each.mean.shape[1] <= MOST_TOGETHER for i, (_, each) in enumerate(entries)
            ]
            sums = [row_sums(each, together) for (_, each), together in zip(entries, joint)]
            return ((result[0], sums), result[1]) if "memory" in state else (result, sums)

        super().__init__(step, weights.variables, weights.numbers)
