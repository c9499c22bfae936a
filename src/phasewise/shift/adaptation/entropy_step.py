"""A compiled step that changes gamma and beta so that predictions of a batch without labels become surer."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from phasewise.core import logits, made_by, variable
from phasewise.core.compiler import compiled
from phasewise.core.variable import values_of
from phasewise.data.feed import pad_rows, size_class
from phasewise.shift.adaptation.method import positive
from phasewise.switch import phase, statistics_policy
from phasewise.training.preparing import prepare
from phasewise.training.rows import keep_rows_apart
from phasewise.training.step import real_rows_of


def normalization_weights(model, with_rows=False):
    """The gamma and beta of a model's normalizations that are not frozen, as a list of `Variable`s.

    Args:
        with_rows: whether layer and group normalization, which keep no statistics, count too.

    Raises:
        ValueError: there are none; frozen ones are named.
    """
    layers = [
        layer for layer in model._inventory().layers if layer._averages or (with_rows and _is_row_normalization(layer))
    ]
    found = [v for layer in layers if layer.trainable for v in _affine(layer)]
    if found:
        return found
    frozen = [layer.name for layer in layers if not layer.trainable]
    why = f"those that it has are frozen ({', '.join(frozen)}): set trainable = True" if frozen else "it has none"
    raise ValueError(f"This method adapts gamma and beta of normalization layers in {model.name!r}, and {why}.")


def _affine(layer):
    return [v for v in (getattr(layer, "gamma", None), getattr(layer, "beta", None)) if v is not None]


def _is_row_normalization(layer):
    kinds = ("LayerNormalization", "GroupNormalization", "RMSNormalization", "LayerTerm")
    return type(layer).__name__ in kinds


def optimizer_of(method, name, rate):
    """An optax transformation: "adam", "sgd" (momentum 0.9, as in the papers), or one that was given.

    Raises:
        ValueError: another name, or a learning rate that is no positive number.
    """
    rate = positive(method, "learning_rate", rate)
    if isinstance(name, optax.GradientTransformation):
        return name
    known = {"adam": lambda: optax.adam(rate), "sgd": lambda: optax.sgd(rate, momentum=0.9)}
    if name not in known:
        raise ValueError(f"adapt's {method!r}: optimizer is 'adam', 'sgd' or an optax transformation; got {name!r}.")
    return known[name]()


class EntropyStep:
    """One program for a model: `update` of the weights after a batch, and the outputs from before it.

    Args:
        model: built.
        output: `phasewise.shift.predictions.Output`.
        weights: list of `Variable`s that change.
        optimizer: an optax transformation.
        update: `(objective, optimizer, params, kept, extra) -> (params, kept, outputs, told)`, with `objective(params, weigh) -> (loss,
            (outputs, p, entropy))`, `weigh(entropy, p, counted) -> loss` of the entropy (rows,), the probabilities (rows, ..., classes) and which rows
            count, boolean (rows,).
        statistics: the policy that the step normalizes by.
    """

    def __init__(
        self,
        model: Any,
        output: Any,
        weights: list,
        optimizer: Any,
        update: Callable[..., Any],
        statistics: Any = "batch",
    ):
        self._statistics = statistics
        self._model, self._output, self._optimizer, self._update = model, output, optimizer, update
        self.weights = weights
        chosen = set(map(id, weights))
        self._rest = [v for v in model._inventory().variables if id(v) not in chosen]
        self._first = values_of(weights)
        self.kept = optimizer.init([jnp.asarray(value) for value in self._first])
        self._programs = {}

    def reset(self):
        """Weights and optimizer as they were at the start."""
        for weight, value in zip(self.weights, self._first):
            weight._value = value
        self.kept = self._optimizer.init([jnp.asarray(value) for value in self._first])

    def classes(self, x):
        """How many classes the probabilities have."""
        if self._output.kind != "classes":
            return 2
        spec = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), x)
        _, shapes = prepare(self._model, (spec,), "predict")
        return jax.tree.leaves(shapes)[self._output.place].shape[-1]

    def __call__(self, x, extra=None):
        """(outputs, what the update tells) of one batch; the weights are changed."""
        rows = len(jax.tree.leaves(x)[0])
        x, whole = self._filled(x, rows)
        key = whole == rows, tuple((a.shape, a.dtype) for a in jax.tree.leaves(x))
        if key not in self._programs:
            traced = functools.partial(self._traced, whole == rows)
            self._programs[key] = compiled(traced, self._model._inventory().variables)
        arguments = values_of(self.weights), self.kept, values_of(self._rest), x, np.int32(rows), extra or {}
        params, self.kept, outputs, told = self._programs[key](*arguments)
        for weight, value in zip(self.weights, params):
            weight._value = value
        return jax.tree.map(lambda a: np.array(a)[:rows] if whole != rows else np.array(a), outputs), told

    def _filled(self, x, rows):
        """The batch filled up to one of few sizes where no layer would notice, and its rows then."""
        spec = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), x)
        calls, _ = prepare(self._model, (spec,), "predict")
        whole = size_class(rows) if keep_rows_apart(calls) else rows
        return (x if whole == rows else jax.tree.map(lambda a: pad_rows(np.asarray(a), whole), x)), whole

    def _traced(self, is_whole, params, kept, rest, x, rows, extra):
        counted = jnp.arange(jax.tree.leaves(x)[0].shape[0]) < rows

        def objective(params, weigh):
            with (
                variable.scope([*self.weights, *self._rest], [*params, *rest]),
                statistics_policy.statistics(self._statistics),
                phase.learning_phase_scope("inference"),
                phase.task("predict"),
                real_rows_of(x, None if is_whole else rows),
                made_by.remembered(),
            ):
                outputs = self._model(x)
                logp = log_probabilities(self._output, outputs)
            p = jnp.exp(logp)
            entropy = -(p * logp).sum(-1).reshape(len(p), -1).mean(-1)
            return weigh(entropy, p, counted), (outputs, p, entropy)

        return self._update(objective, self._optimizer, params, kept, extra)


def log_probabilities(output, outputs):
    """(rows, ..., classes), from logits where these are known: of a probability of 1 there is no gradient."""
    found = logits.of_each(outputs)[output.place]
    values = jax.tree.leaves(outputs)[output.place].astype(jnp.float32)
    if output.kind == "classes":
        scores = (
            values if output.from_logits else found.values if found is not None else jnp.log(jnp.maximum(values, 1e-30))
        )
        return jax.nn.log_softmax(scores.astype(jnp.float32), -1)
    if found is not None or output.from_logits:
        scores = values if output.from_logits else found.values.astype(jnp.float32)
        return jnp.stack([jax.nn.log_sigmoid(-scores), jax.nn.log_sigmoid(scores)], -1)
    return jnp.log(jnp.maximum(jnp.stack([1 - values, values], -1), 1e-30))


def mean_of(values, counted):
    """The mean over the rows that count; 0 of none."""
    return jnp.where(counted, values, 0).sum() / jnp.maximum(counted.sum(), 1)


def descended(objective, weigh, optimizer, params, kept):
    """(params, kept, outputs, (p, entropy)) after one step of gradient descent."""
    (_, (outputs, p, entropy)), grads = jax.value_and_grad(lambda each: objective(each, weigh), has_aux=True)(params)
    updates, kept = optimizer.update(grads, kept, params)
    return optax.apply_updates(params, updates), kept, outputs, (p, entropy)


def towards_less_entropy(objective, optimizer, params, kept, extra):
    """An `update`: one step on the mean entropy of all rows."""
    params, kept, outputs, _ = descended(
        objective, lambda entropy, p, counted: mean_of(entropy, counted), optimizer, params, kept
    )
    return params, kept, outputs, {}
