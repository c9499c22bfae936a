"""NOTE: rows normalized by themselves where they differ by more than chance, and steps over a memory that is balanced."""

from typing import Any

import jax
import numpy as np

from phasewise.core.arguments import check_count
from phasewise.layers.normalization.affine import check_number
from phasewise.shift.adaptation.entropy_step import (
    EntropyStep,
    normalization_weights,
    optimizer_of,
    towards_less_entropy,
)
from phasewise.shift.adaptation.method import Method, positive
from phasewise.shift.adaptation.reservoir import BalancedReservoir
from phasewise.shift.recalibrate import batch_statistics
from phasewise.switch.statistics_policy import InstanceAware


class Note(Method):
    """Gong et al. (2022), "NOTE: robust continual test-time adaptation against temporal correlation", section 3 and algorithm 1.

    Instance-aware batch normalization (`phasewise.kernels.instance_aware`) normalizes each row with the moving statistics, corrected by
    what its own differ by beyond `k` standard errors; where a channel of a row is one value, as after a dense layer, and inside of
    recurrent cells the moving ones stand. No row sees the others. Rows go, with their predicted classes, into a `BalancedReservoir` of `memory` rows.
    After every `memory` rows the statistics follow those of the kept rows, `statistics = (1 - momentum) * statistics + momentum * kept`, with
    the unbiased variance, and then gamma and beta take one step towards less mean entropy over the kept rows, each corrected
    by what it differs by from their own statistics and not from the moving ones, as in the authors' code. A row is predicted before it is learnt from. For streams whose classes come in runs.
    A model that is kept or saved predicts with the moving statistics alone; the correction of rows is the adaptation's.

    Args:
        k: above 0; the paper's alpha, 4.
        memory: positive int, how many rows are kept; the paper's 64.
        momentum: in [0, 1], the weight of the kept rows; the paper's 0.01.
        optimizer, learning_rate: as in "tent"; the paper's Adam with 1e-4.
        seed: int, of what is drawn for the memory.
    """

    name = "note"
    needs_probabilities = True

    def __init__(
        self,
        k: float = 4.0,
        memory: int = 64,
        momentum: float = 0.01,
        optimizer: Any = "adam",
        learning_rate: float = 1e-4,
        seed: int = 0,
    ):
        self.policy = InstanceAware(positive(self.name, "k", k))
        self._learning = InstanceAware(self.policy.k, of_batch=True)
        self.memory = check_count("adapt", "memory", memory)
        self.momentum = check_number("adapt's 'note'", "momentum", momentum, 0, 1, low_included=True)
        self.optimizer = optimizer_of(self.name, optimizer, learning_rate)
        self.seed = seed

    def begin(self, run: Any) -> None:
        """Nothing is known of the stream yet."""
        self._run, self._rows, self._kept = run, 0, BalancedReservoir(self.memory, self.seed)
        weights = normalization_weights(run.model)
        self._step = EntropyStep(run.model, run.output, weights, self.optimizer, towards_less_entropy, self._learning)

    def predict(self, x: Any) -> Any:
        """From before what is learnt of the rows; a batch is cut where the model learns."""
        rows, start, parts = len(jax.tree.leaves(x)[0]), 0, []
        while start < rows:
            end = min(rows, start + self.memory - self._rows % self.memory)
            parts.append(self._one(jax.tree.map(lambda a, s=start, e=end: a[s:e], x), end - start))
            start = end
        return jax.tree.map(lambda *each: np.concatenate(each), *parts)

    def _one(self, x, rows):
        run = self._run
        outputs = run.model.predict(x, batch_size=rows, statistics=self.policy, verbose=0)
        p = run.output.probabilities(outputs)
        if run.output.kind == "labels" or len(p) != rows:
            raise ValueError(
                f"adapt's method 'note' takes one class a row; the output of {run.model.name!r} has {len(p) // rows} predictions a row."
            )
        for place, label in enumerate(p.argmax(-1)):
            self._kept.offer(jax.tree.map(lambda a, i=place: np.array(a[i]), x), int(label))
        self._rows += rows
        if self._rows % self.memory == 0:
            self._learn(jax.tree.map(lambda *each: np.stack(each), *self._kept.rows))
        return outputs

    def _learn(self, x):
        for average, count, mean, variance in batch_statistics(self._run.model, x, self._learning):
            unbiased = variance * count / np.maximum(count - 1, 1)
            old = average.mean.numpy(), average.variance.numpy()
            new = [self._followed(was, now, count) for was, now in zip(old, (mean, unbiased))]
            for variable, value in average.values_for(*new, count):
                variable.assign(value)
        self._step(x)

    def _followed(self, was, now, count):
        was = np.asarray(was, np.float64)
        mixed = (1 - self.momentum) * was + self.momentum * now.reshape(was.shape)
        return np.where(np.reshape(count, was.shape) > 0, mixed, was)
