"""EATA: entropy of the rows that are sure and unlike the others, with source weights held where they matter."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.shift.adaptation.entropy_step import (
    EntropyStep,
    descended,
    normalization_weights,
    optimizer_of,
)
from phasewise.shift.adaptation.method import Method, positive


class Eata(Method):
    """Niu et al. (2022), "Efficient test-time model adaptation without forgetting", equations 2 to 9.

    As TENT, but the loss is the mean over the rows that are kept of exp(E0 - H) H, plus `fisher_weight` * sum over weights of
    omega (w - w of the source)². Kept are rows with H < E0 = `margin` * ln(classes) whose prediction p has |cos(p, m)| < `distance`; m is the running
    mean of the predictions that were kept, m = 0.9 m + 0.1 mean(p). A batch of which no row is kept changes nothing, as in the authors' code. The Fisher information omega is the mean over batches of source rows of
    the squared gradient of the cross-entropy with the predicted classes.

    Args:
        source: rows of the data that were trained on, or like them; needed. An array, or a list of batches.
        margin: above 0. distance: above 0. fisher_weight: above 0. The paper's for ImageNet; for CIFAR-10 it has 0.4, 0.4 and 1.
        optimizer, learning_rate: as in "tent"; the paper's SGD with 2.5e-4.
    """

    name = "eata"
    needs_probabilities = True
    normalizes_by_batch = True

    def __init__(
        self,
        source: Any = None,
        margin: float = 0.4,
        distance: float = 0.05,
        fisher_weight: float = 2000.0,
        optimizer: Any = "sgd",
        learning_rate: float = 2.5e-4,
    ):
        if source is None:
            raise ValueError(
                "adapt's method 'eata' needs source rows, of the data that were trained on, to know which weights to hold: "
                "adapt(model, data, 'eata', source=x_train[:2000]). 'tent' needs none."
            )
        self.source = source
        self.margin, self.distance, self.fisher_weight = (
            positive(self.name, name, value)
            for name, value in (("margin", margin), ("distance", distance), ("fisher_weight", fisher_weight))
        )
        self.optimizer = optimizer_of(self.name, optimizer, learning_rate)

    def begin(self, run: Any) -> None:
        """Find the Fisher information of gamma and beta."""
        weights = normalization_weights(run.model)
        fisher = EntropyStep(run.model, run.output, weights, self.optimizer, _squared_gradients)
        found = [fisher(x)[1]["squares"] for x in run.batches_of(self.source)]
        omega = [np.mean([np.asarray(each) for each in parts], 0) for parts in zip(*found)]
        self._step = EntropyStep(run.model, run.output, weights, self.optimizer, self._update)
        first = [weight.numpy() for weight in weights]
        self._extra = {"omega": omega, "first": first, "mean": None}

    def predict(self, x: Any) -> Any:
        """From before the step that follows."""
        extra = self._extra
        if extra["mean"] is None:
            classes = self._step.classes(x)
            extra = {**extra, "mean": np.zeros(classes, np.float32)}
        outputs, told = self._step(x, extra)
        self._extra = {**self._extra, "mean": told["mean"]}
        return outputs

    def _update(self, objective, optimizer, params, kept, extra):
        border = self.margin * math.log(extra["mean"].shape[-1])

        def chosen(entropy, p, counted):
            return counted & (entropy < border) & is_unlike(p, extra["mean"], self.distance)

        def weigh(entropy, p, counted):
            keep = jax.lax.stop_gradient(chosen(entropy, p, counted))
            weight = jax.lax.stop_gradient(jnp.exp(border - entropy))
            return jnp.where(keep, weight * entropy, 0).sum() / jnp.maximum(keep.sum(), 1)

        def held(params, weigh):
            loss, (outputs, p, entropy, counted) = objective_with(objective, params, weigh)
            drift = sum((o * (w - f) ** 2).sum() for o, w, f in zip(extra["omega"], params, extra["first"]))
            return loss + self.fisher_weight * drift, (outputs, (p, counted), entropy)

        stepped, kept_then, outputs, ((p, counted), entropy) = descended(held, weigh, optimizer, params, kept)
        keep, p = chosen(entropy, p, counted), by_row(p)
        params, kept = jax.tree.map(
            lambda new, old: jnp.where(keep.any(), new, old), (stepped, kept_then), (params, kept)
        )
        mean = jnp.where(keep[:, None], p, 0).sum(0) / jnp.maximum(keep.sum(), 1)
        begun = extra["mean"].sum() > 0
        mixed = jnp.where(begun, 0.9 * extra["mean"] + 0.1 * mean, mean)
        return params, kept, outputs, {"mean": jnp.where(keep.any(), mixed, extra["mean"])}


def by_row(p):
    """(rows, classes): the mean over other axes."""
    return p.reshape(len(p), -1, p.shape[-1]).mean(1)


def is_unlike(p, mean, distance):
    """Which rows' predictions are nearly orthogonal to the running mean; all, before there is one."""
    p = by_row(p)
    norm = jnp.linalg.norm(p, axis=-1) * jnp.linalg.norm(mean)
    cosine = (p @ mean) / jnp.maximum(norm, 1e-12)
    return (jnp.abs(cosine) < distance) | (mean.sum() == 0)


def objective_with(objective, params, weigh):
    """As `objective`, with which rows count beside the rest."""
    rows = []

    def noting(entropy, p, counted):
        rows.append(counted)
        return weigh(entropy, p, counted)

    loss, (outputs, p, entropy) = objective(params, noting)
    return loss, (outputs, p, entropy, rows[0])


def _squared_gradients(objective, optimizer, params, kept, extra):
    def weigh(entropy, p, counted):
        surest = jnp.log(jnp.maximum(p.max(-1), 1e-30)).reshape(len(p), -1).mean(-1)
        return -jnp.where(counted, surest, 0).sum() / jnp.maximum(counted.sum(), 1)

    (_, (outputs, _, _)), grads = jax.value_and_grad(lambda each: objective(each, weigh), has_aux=True)(params)
    return params, kept, outputs, {"squares": [jnp.square(each) for each in grads]}
