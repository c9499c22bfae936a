"""Scores outside of [0, 1] that are taken for probabilities, noticed on the host where nothing else tells how an output ends."""

import jax.numpy as jnp

from phasewise.core.warning import LogitsWarning, warn
from phasewise.losses.given_values import ROUNDING
from phasewise.metrics import AUC, Metric
from phasewise.metrics.operating_points import AtOperatingPoint
from phasewise.training.logits import is_over_classes, takes_logits


class Excess(Metric):
    """How far the scores of one output lay outside of [0, 1], at most.

    Args:
        output: its name.
        taker: the name of the loss or metric that takes the scores for probabilities.
        from_above: whether scores above 1 count; else they are divided by their sum, and negative ones alone do.
    """

    def __init__(self, output, taker, from_above):
        super().__init__(name="excess")
        self._output, self._taker, self._from_above, self._is_told = output, taker, from_above, False
        self.worst = self.add_variable((), "zeros", name="worst")

    def update_state(self, scores):
        """Take the scores of a batch into account; of rows of padding too, which are copies."""
        scores = jnp.asarray(scores).astype(jnp.float32)
        excess = jnp.maximum(-scores, scores - 1).max() if self._from_above else -scores.min()
        known = self.worst.value
        self.worst.assign(jnp.where(excess > known, excess, known))  # NaN is another matter

    def result(self):
        """The largest distance so far."""
        return self.worst.value

    def tell(self):
        """Warn, once, where there were such scores."""
        if self._is_told or not float(self.worst.raw) > ROUNDING:
            return
        self._is_told = True
        warn(
            f"{self._taker} takes the scores of output {self._output!r} for probabilities, and some lay outside of [0, 1], by up to "
            f"{float(self.worst.raw):.3g}. If they are logits, say so with from_logits=True; else end in a sigmoid or softmax.",
            LogitsWarning,
        )


def watches(names, losses, metrics, activations):
    """List of (number of the output, `Excess`) for the outputs whose last activation is not known, where that matters.

    Args:
        names: of the outputs.
        losses: a `Loss` or None for each.
        metrics: list of (number of the output, name in the logs, metric).
        activations: the name of the last activation of each output, or None where it is not known.
    """
    found = {}
    for i, (loss, activation) in enumerate(zip(losses, activations)):
        if activation is None and takes_logits(loss) is False:
            found[i] = Excess(names[i], f"The loss {loss.name!r}", not is_over_classes(loss))
    for i, name, metric in metrics:
        if (
            activations[i] is None
            and isinstance(metric, AUC | AtOperatingPoint)
            and takes_logits(metric) is False
            and takes_logits(losses[i]) is None
        ):
            found.setdefault(i, Excess(names[i], f"The metric {name!r}", True))
    return list(found.items())
