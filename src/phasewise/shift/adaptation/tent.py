"""TENT: minimize the entropy of the predictions over gamma and beta."""

from typing import Any

from phasewise.core.arguments import check_count, check_flag
from phasewise.shift.adaptation.entropy_step import (
    EntropyStep,
    normalization_weights,
    optimizer_of,
    towards_less_entropy,
)
from phasewise.shift.adaptation.method import Method


class Tent(Method):
    """Wang et al. (2021), "Tent: fully test-time adaptation by entropy minimization", equation 1 and section 3.2.

    Batch normalization normalizes with the batch. After each batch one step of gradient descent on the mean over its rows of
    H = -sum over classes of p log p changes gamma and beta; predictions are those from before the step. What `adapt` does after data that end is the paper's
    offline case but for one thing: it then predicts with the statistics of all the data.

    Args:
        optimizer: "adam" (beta 0.9 and 0.999), "sgd" (momentum 0.9) or an optax transformation.
        learning_rate: above 0; the paper's 1e-3 for Adam. Its SGD has 2.5e-4.
        steps: how many a batch.
        episodic: whether gamma and beta begin anew with each batch.
    """

    name = "tent"
    needs_probabilities = True
    normalizes_by_batch = True

    def __init__(self, optimizer: Any = "adam", learning_rate: float = 1e-3, steps: int = 1, episodic: bool = False):
        self.optimizer = optimizer_of(self.name, optimizer, learning_rate)
        self.steps, self.episodic = check_count("adapt", "steps", steps), check_flag("adapt", "episodic", episodic)

    def begin(self, run: Any) -> None:
        """Find what changes."""
        weights = normalization_weights(run.model)
        self._step = EntropyStep(run.model, run.output, weights, self.optimizer, towards_less_entropy)

    def predict(self, x: Any) -> Any:
        """From before the step that follows."""
        if self.episodic:
            self._step.reset()
        for _ in range(self.steps):
            outputs, _ = self._step(x)
        return outputs
