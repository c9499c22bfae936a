"""Normalization inside recurrent layers, against the equations of Cooijmans et al. (2017) in float64, step by step and in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from parity import inputs_of
from phasewise.core import variable

BATCH, TIME, FEATURES, UNITS = 6, 5, 2, 3
X = inputs_of((BATCH, TIME, FEATURES))
MASK = np.array(
    [[1, 1, 0, 1, 1], [0, 1, 1, 1, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]], bool
)
EPSILON = 1e-5
KINDS = [("SimpleRNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False})]
EVERY_RUN = "LSTM"  # the other kinds belong to make test-all
every_kind = pytest.mark.parametrize(
    ("kind", "arguments"),
    [pytest.param(*each, marks=[] if each[0] == EVERY_RUN else [pytest.mark.extensive]) for each in KINDS],
    ids=["simple", "lstm", "gru", "gru_before"],
)
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

            def score(value, name=name):
                exact.w[name] = value
                return (exact(X, mask) * weight_of_output).sum()

            kept = exact.w[name]
            expected = score_gradients(score, kept)
            exact.w[name] = kept
            place = next(i for i, v in enumerate(train) if v is weight)
            np.testing.assert_allclose(found[place], expected, rtol=1e-3, atol=1e-4, err_msg=name)
    of_input = score_gradients(lambda x: (exact(x, mask) * weight_of_output).sum(), X)
    np.testing.assert_allclose(found_x, of_input, rtol=1e-3, atol=1e-4)


OPTIONS = [
    {"unroll": True},
    {"recurrent_dropout": 0.3},
    {"dropout": 0.3},
    {"dropout": 0.3, "implementation": 1},
    {"use_bias": False},
]


@every_normalization
@every_kind
@pytest.mark.extensive
def test_a_loop_that_is_written_out_and_one_backwards_give_the_same_numbers(kind, arguments, normalization):
    loop = made(kind, normalization, **arguments)
    unrolled, backwards = (
        made(kind, normalization, **arguments, **more) for more in ({"unroll": True}, {"go_backwards": True})
    )
    y = np.asarray(loop(X, mask=MASK, training=True))
    np.testing.assert_allclose(unrolled(X, mask=MASK, training=True), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(backwards(X[:, ::-1], mask=MASK[:, ::-1], training=True), y)
    for a, b, c in zip(*(layer.get_weights() for layer in (loop, unrolled, backwards))):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(c, a)


@every_normalization
@every_kind
@pytest.mark.parametrize("cells", ["cell", "list"])
def test_a_cell_in_rnn_and_in_a_stack_is_the_layer(kind, arguments, normalization, cells):
    layer = made(kind, normalization, **arguments)
    cell = getattr(pw.layers, f"{kind}Cell")(UNITS, normalization=normalization, **arguments)
    around = pw.layers.RNN(cell if cells == "cell" else [cell], return_sequences=True)
    around(X)
    around.set_weights(layer.get_weights())
    np.testing.assert_array_equal(around(X, mask=MASK, training=True), layer(X, mask=MASK, training=True))
    for a, b in zip(around.get_weights(), layer.get_weights()):
        np.testing.assert_array_equal(a, b)


@every_kind
@pytest.mark.extensive
def test_a_cell_inside_one_of_a_users_own_knows_the_step(kind, arguments):
    class Doubled(pw.Layer):
        def __init__(self, cell):
            super().__init__()
            self.cell, self.state_size = cell, cell.state_size

        def build(self, input_shape):
            self.cell.build(input_shape)

        def call(self, inputs, states):
            output, states = self.cell(inputs, states)
            return 2 * output, states

    layer = made(kind, normalization_steps=3, **arguments)
    inner = getattr(pw.layers, f"{kind}Cell")(UNITS, normalization="batch", normalization_steps=3, **arguments)
    around = pw.layers.RNN(Doubled(inner), return_sequences=True)
    around(X[:, :3])
    around.set_weights(layer.get_weights())
    x = X[:, :3]
    np.testing.assert_allclose(around(x, training=True), 2 * np.asarray(layer(x, training=True)), rtol=1e-5, atol=1e-6)
    for a, b in zip(around.get_weights(), layer.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(around(X), 2 * np.asarray(layer(X)), rtol=1e-5, atol=1e-6)


def test_bidirectional_normalizes_both_ways_with_statistics_of_their_own():
    both = pw.layers.Bidirectional(pw.layers.LSTM(UNITS, name="l", normalization="batch", return_sequences=True))
    both(X)
    model = pw.Sequential([pw.Input((TIME, FEATURES)), both])
    names = [row.layer for row in model.explain(print_fn=False)]
    assert names[:2] == ["forward_l_input_to_hidden", "forward_l_hidden_to_hidden"]
    assert names[3:5] == ["backward_l_input_to_hidden", "backward_l_hidden_to_hidden"]
    both(X, training=True)
    forward, backward = (layer.cell.terms[0].moving_mean.numpy() for layer in (both.forward_layer, both.backward_layer))
    for moving, layer, x in ((forward, both.forward_layer, X), (backward, both.backward_layer, X[:, ::-1])):
        product = x.astype(np.float64) @ layer.get_weights()[0].astype(np.float64)
        np.testing.assert_allclose(moving[:TIME], 0.01 * product.mean(0), rtol=1e-4, atol=1e-6)


def test_a_stateful_layer_goes_on_and_normalizes():
    layer = made("LSTM", stateful=True)
    whole = made("LSTM")
    for weight, value in zip(layer.weights, whole.get_weights()):
        weight.assign(value)
    layer.reset_state()
    first, second = layer(X[:, :2]), layer(X[:, 2:])
    assert not np.array_equal(second, whole(X[:, 2:]))
    np.testing.assert_allclose(first, np.asarray(whole(X))[:, :2], rtol=1e-6)


@pytest.mark.extensive
@every_normalization
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_goes_with_every_other_argument(normalization, options):
    for kind, arguments in KINDS:
        if kind == "SimpleRNN" and "implementation" in options:
            continue
        layer = made(kind, normalization, **arguments, **options)
        assert np.isfinite(np.asarray(layer(X, mask=MASK, training=True))).all()
        if "unroll" not in options and options.get("use_bias", True):
            np.testing.assert_allclose(
                made(kind, normalization, **arguments)(X),
                made(kind, normalization, **arguments, **options)(X),
                rtol=1e-6,
            )


def test_an_activation_of_a_users_own_gives_the_same_numbers():
    layer = made("LSTM")
    own = made("LSTM", activation=lambda x: jnp.tanh(x))
    np.testing.assert_allclose(
        own(X, mask=MASK, training=True), layer(X, mask=MASK, training=True), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(own(X), layer(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_the_config_has_it_only_where_it_is_used(kind):
    given = {
        "normalization": "batch",
        "normalization_steps": 7,
        "normalization_momentum": 0.9,
        "normalization_epsilon": 0.01,
    }
    layer = getattr(pw.layers, kind)(UNITS, **given)
    again = type(layer).from_config(layer.get_config())
    assert {name: again.get_config()[name] for name in given} == given
    assert not any(name.startswith("normalization") for name in getattr(pw.layers, kind)(UNITS).get_config())


def test_gamma_begins_at_a_tenth_and_only_the_cells_output_has_a_beta():
    layer = pw.layers.LSTM(UNITS, normalization="batch", normalization_steps=4)
    layer(X)
    held = [(w.path.split("_")[-1], w.shape) for w in layer.weights if "_to_" in w.path or "_output" in w.path]
    assert [shape for name, shape in held if "gamma" in name] == [(12,), (12,), (3,)]
    assert [shape for name, shape in held if "beta" in name] == [(3,)]
    assert [shape for name, shape in held if name in ("mean", "variance")] == [(4, 12)] * 4 + [(4, 3)] * 2
    assert all((w.numpy() == np.float32(0.1)).all() for w in layer.weights if w.name == "gamma")


def test_momentum_and_epsilon_can_be_set_and_what_the_weights_were_made_by_cannot():
    layer = made("LSTM")
    layer.normalization_momentum, layer.normalization_epsilon = 0.0, 10.0
    before = np.asarray(layer(X))
    layer(X, training=True)
    assert (layer.cell.terms[0].moving_mean.numpy()[0] != 0).all()
    layer.normalization_epsilon = 1e-5
    assert not np.allclose(before, layer(X))
    with pytest.raises(AttributeError, match=r"normalization of .* cannot be set any more"):
        layer.normalization = None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"normalization": "bacth"}, "LSTM's normalization is one of None, 'batch', 'layer'; got 'bacth'"),
        ({"normalization_steps": 0}, "LSTM's normalization_steps must be a positive integer; got 0"),
        (
            {"normalization_momentum": 2},
            "LSTM's normalization_momentum must be a number at least 0 and at most 1; got 2",
        ),
        ({"normalization_epsilon": -1}, "LSTM's normalization_epsilon must be a number at least 0; got -1"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        pw.layers.LSTM(UNITS, **arguments)
