"""Normalization inside recurrent layers, against the equations of Cooijmans et al. (2017) in float64, step by step and in NumPy."""

import numpy as np
import pytest

import phasewise as pw
from parity import inputs_of

BATCH, TIME, FEATURES, UNITS = 6, 5, 2, 3
X = inputs_of((BATCH, TIME, FEATURES))
MASK = np.array([[1, 1, 0, 1, 1], [0, 1, 1, 1, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]], bool)
EPSILON = 1e-5
KINDS = [("SimpleRNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False})]
every_kind = pytest.mark.parametrize(("kind", "arguments"), KINDS, ids=["simple", "lstm", "gru", "gru_before"])
every_normalization = pytest.mark.parametrize("normalization", ["batch", "layer"])


def sigmoid(x):
    return (1 + np.tanh(x / 2)) / 2


def by_batch(x, counted):
    rows = x[counted]
    if not len(rows):
        return x * 0, (np.zeros(x.shape[1]), np.zeros(x.shape[1]))
    mean, variance = rows.mean(0), rows.var(0)
    return (x - mean) / np.sqrt(variance + EPSILON), (mean, variance)


def by_row(x, groups):
    parts = np.split(x, np.cumsum(groups)[:-1], axis=1)
    return np.concatenate(
        [(p - p.mean(1, keepdims=True)) / np.sqrt(p.var(1, keepdims=True) + EPSILON) for p in parts], axis=1
    )


class Reference:
    """A recurrent layer in float64, unrolled; `moments[name][t]` is what the batch's mean and variance were."""

    def __init__(self, kind, normalization, weights, reset_after=True, statistics=None):
        self.kind, self.normalization, self.reset_after = kind, normalization, reset_after
        self.w = {name: np.asarray(value, np.float64) for name, value in weights.items()}
        self.statistics, self.moments = statistics, {}

    def normal(self, name, x, counted, part=slice(None)):
        groups = (2 * UNITS, UNITS) if self.kind == "GRU" and x.shape[1] == 3 * UNITS else (x.shape[1],)
        if self.normalization == "layer":
            y = by_row(x, groups)
        elif self.statistics is not None:
            mean, variance = (each[self.t][part] for each in self.statistics[name])
            y = (x - mean) / np.sqrt(variance + EPSILON)
        else:
            y, found = by_batch(x, counted)
            self.moments.setdefault(name, []).append(found)
        return y * self.w[f"{name}/gamma"][part]

    def step(self, x, states, counted):
        w, h = self.w, states[0]
        b = w["bias"] if w["bias"].ndim == 2 else (w["bias"], 0)
        a = self.normal("input_to_hidden", x @ w["kernel"], counted) + b[0]
        if self.kind == "GRU" and not self.reset_after:
            units, u = 2 * UNITS, w["recurrent_kernel"]
            gates = self.normal("hidden_to_hidden", h @ u[:, :units], counted, slice(0, units))
            z, r = np.split(sigmoid(a[:, :units] + gates), 2, axis=1)
            new = self.normal("hidden_to_hidden", (r * h) @ u[:, units:], counted, slice(units, None))
            return [z * h + (1 - z) * np.tanh(a[:, units:] + new)]
        u = self.normal("hidden_to_hidden", h @ w["recurrent_kernel"], counted) + b[1]
        if self.kind == "SimpleRNN":
            return [np.tanh(a + u)]
        if self.kind == "GRU":
            (a_z, a_r, a_n), (u_z, u_r, u_n) = np.split(a, 3, axis=1), np.split(u, 3, axis=1)
            z, r = sigmoid(a_z + u_z), sigmoid(a_r + u_r)
            return [z * h + (1 - z) * np.tanh(a_n + r * u_n)]
        i, f, g, o = np.split(a + u, 4, axis=1)
        c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
        y = self.normal("cell_output", c, counted) + w["cell_output/beta"]
        return [sigmoid(o) * np.tanh(y), c]

    def __call__(self, x, mask=None):
        """The outputs (batch, time, units)."""
        mask = np.ones(x.shape[:2], bool) if mask is None else mask
        states = [np.zeros((len(x), UNITS))] * (2 if self.kind == "LSTM" else 1)
        outputs = []
        for self.t in range(x.shape[1]):
            counted = mask[:, self.t]
            new = self.step(np.asarray(x[:, self.t], np.float64), states, counted)
            states = [np.where(counted[:, None], a, b) for a, b in zip(new, states)]
            outputs.append(states[0])
        return np.stack(outputs, 1)


def weights_of(layer):
    """The layer's weights by their names, those of the terms with the term's before them."""
    named = {}
    for weight in layer.weights:
        *_, owner, name = weight.path.split("/")
        term = owner.removeprefix(f"{layer.name}_")
        named[f"{term}/{name}" if term != owner else name] = weight
    return named


def made(kind, normalization="batch", seed=3, **arguments):
    """A layer whose weights are away from where they begin."""
    layer = getattr(pw.layers, kind)(UNITS, normalization=normalization, return_sequences=True, name="it", **arguments)
    layer(X)
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_variables:
        weight.assign(rng.normal(size=weight.shape) * 0.7 + (0.8 if weight.name == "gamma" else 0))
    return layer


def reference(kind, layer, normalization="batch", statistics=None, **arguments):
    values = {name: weight.numpy() for name, weight in weights_of(layer).items()}
    return Reference(kind, normalization, values, arguments.get("reset_after", True), statistics)


@every_normalization
@every_kind
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_the_output_in_training_is_that_of_the_papers_equations(kind, arguments, normalization, mask):
    layer = made(kind, normalization, **arguments)
    expected = reference(kind, layer, normalization, **arguments)(X, mask)
    np.testing.assert_allclose(layer(X, mask=mask, training=True), expected, rtol=1e-5, atol=1e-5)


@every_kind
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_the_moving_statistics_of_each_step_follow_what_counts_there(kind, arguments, mask):
    layer = made(kind, normalization_momentum=0.75, normalization_steps=7, **arguments)
    found = reference(kind, layer, **arguments)
    found(X, mask)
    layer(X, mask=mask, training=True)
    counted = np.ones((BATCH, TIME), bool) if mask is None else mask
    for name, moments in found.moments.items():
        if kind == "GRU" and not arguments.get("reset_after", True) and name == "hidden_to_hidden":
            moments = [tuple(np.concatenate(pair) for pair in zip(*moments[t : t + 2])) for t in range(0, 2 * TIME, 2)]
        moving = [weights_of(layer)[f"{name}/moving_{kind}"].numpy() for kind in ("mean", "variance")]
        for t in range(7):
            for initial, now, seen in zip((0, 1), moving, zip(*moments) if t < TIME else (None, None)):
                is_reached = t < TIME and counted[:, t].any()
                expected = 0.75 * initial + 0.25 * seen[t] if is_reached else np.full_like(now[t], initial)
                np.testing.assert_allclose(now[t], expected, rtol=1e-5, atol=1e-6)


def score_gradients(score, value, step=1e-6):
    """The derivative of `score(value)` by each entry, by central differences in float64."""
    value = np.array(value, np.float64)
    gradient = np.zeros_like(value)
    for place in np.ndindex(value.shape):
        kept = value[place]
        value[place] = kept + step
        above = score(value)
        value[place] = kept - step
        gradient[place] = (above - score(value)) / (2 * step)
        value[place] = kept
    return gradient


@every_normalization
@every_kind
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_gradients_go_through_the_statistics_of_the_batch(kind, arguments, normalization, mask):
    import jax
    from phasewise.core import variable

    layer = made(kind, normalization, **arguments)
    train, other = layer.trainable_variables, layer.non_trainable_variables
    weight_of_output = np.cos(np.arange(BATCH * TIME * UNITS)).reshape(BATCH, TIME, UNITS)

    def ours(values, x):
        with variable.scope([*train, *other], [*values, *[v.raw for v in other]]):
            return (layer(x, mask=mask, training=True) * weight_of_output).sum()

    found, found_x = jax.jit(jax.grad(ours, (0, 1)))([v.raw for v in train], X)
    exact = reference(kind, layer, normalization, **arguments)
    named = weights_of(layer)

    for name, weight in named.items():
        if weight.trainable:

            def score(value):
                exact.w[name] = value
                return (exact(X, mask) * weight_of_output).sum()

            kept = exact.w[name]
            expected = score_gradients(score, kept)
            exact.w[name] = kept
            place = next(i for i, v in enumerate(train) if v is weight)
            np.testing.assert_allclose(found[place], expected, rtol=1e-3, atol=1e-4, err_msg=name)
    of_input = score_gradients(lambda x: (exact(x, mask) * weight_of_output).sum(), X)
    np.testing.assert_allclose(found_x, of_input, rtol=1e-3, atol=1e-4)
