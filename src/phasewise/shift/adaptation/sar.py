"""SAR: entropy of reliable rows, minimized where it is flat, and recovery where it falls too low."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from phasewise.shift.adaptation.entropy_step import EntropyStep, normalization_weights, optimizer_of
from phasewise.shift.adaptation.method import Method, positive


class Sar(Method):
    """Niu et al. (2023), "Towards stable test-time adaptation in dynamic wild world", equations 2 to 7 and algorithm 1.

    Rows with H < E0 = `margin` * ln(classes) count. At w the gradient g of their mean entropy gives the ascent `rho` * g / |g|; the gradient at
    w + ascent, of those of them that still have H < E0, gives the step from w. Where the running mean of that loss, 0.9 old + 0.1 new over batches
    that have such rows, falls below `recover_below`, the weights begin anew, and it with them. Batch normalization normalizes with the batch; gamma and beta of layer, group and RMS normalization
    are adapted too, so that models without batch normalization can be. The paper leaves the last blocks of its networks out; here all
    normalizations that are not frozen take part.

    Args:
        margin, rho, recover_below: above 0; the paper's.
        optimizer, learning_rate: as in "tent"; the paper's SGD with 1e-3 (2.5e-4 for ResNet-50 with batch normalization).
    """

    name = "sar"
    needs_probabilities = True
    normalizes_by_batch = True
    needs_averages = False

    def __init__(
        self,
        margin: float = 0.4,
        rho: float = 0.05,
        recover_below: float = 0.2,
        optimizer: Any = "sgd",
        learning_rate: float = 1e-3,
    ):
        self.margin, self.rho = positive(self.name, "margin", margin), positive(self.name, "rho", rho)
        self.recover_below = positive(self.name, "recover_below", recover_below)
        self.optimizer = optimizer_of(self.name, optimizer, learning_rate)
        self.recoveries = 0

    def begin(self, run: Any) -> None:
        """Find what changes."""
        weights = normalization_weights(run.model, with_rows=True)
        self._step = EntropyStep(run.model, run.output, weights, self.optimizer, self._update)
        self._running = None

    def predict(self, x: Any) -> Any:
        """From before the step that follows."""
        outputs, told = self._step(x)
        if int(told["rows"]):
            loss = float(told["loss"])
            self._running = loss if self._running is None else 0.9 * self._running + 0.1 * loss
        if self._running is not None and self._running < self.recover_below:
            self._step.reset()
            self._running, self.recoveries = None, self.recoveries + 1
        return outputs

    def _update(self, objective, optimizer, params, kept, extra):
        chosen = []

        def first(entropy, p, counted):
            keep = counted & (entropy < self.margin * math.log(p.shape[-1]))
            chosen.append(jax.lax.stop_gradient(keep))
            return _mean(entropy, chosen[0])

        (_, (seen, _, _)), grads = jax.value_and_grad(lambda w: _noted(objective, w, first, chosen), has_aux=True)(
            params
        )
        outputs, reliable = seen
        norm = optax.global_norm(grads)
        ascent = [self.rho * g / jnp.maximum(norm, 1e-12) for g in grads]

        still = []

        def second(entropy, p, counted):
            still.append(jax.lax.stop_gradient(reliable & (entropy < self.margin * math.log(p.shape[-1]))))
            return _mean(entropy, still[0])

        moved = [w + e for w, e in zip(params, ascent)]
        (loss, (seen, _, _)), grads = jax.value_and_grad(lambda w: _noted(objective, w, second, still), has_aux=True)(
            moved
        )
        updates, kept = optimizer.update(grads, kept, params)
        told = {"loss": loss, "rows": seen[1].sum()}
        return optax.apply_updates(params, updates), kept, outputs, told


def _noted(objective, params, weigh, chosen):
    """As `objective`, the rows that were chosen beside the outputs."""
    chosen.clear()
    loss, (outputs, p, entropy) = objective(params, weigh)
    return loss, ((outputs, chosen[0]), p, entropy)


def _mean(values, keep):
    return jnp.where(keep, values, 0).sum() / jnp.maximum(keep.sum(), 1)
