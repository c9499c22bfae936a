"""Dropout of inputs and of the state in recurrent layers: by the switch, one mask a sequence."""

import numpy as np
import pytest

import phasewise as pw
from phasewise.core import random

pytestmark = pytest.mark.extensive

ROWS, TIME, FEATURES, UNITS = 400, 4, 10, 10
ONES = np.ones((ROWS, TIME, FEATURES), "float32")
N = ROWS * FEATURES
SIGMAS = 5
KINDS = ["SimpleRNN", "LSTM", "GRU"]


def at_step(layer, x, step=0, seed=7):
    with random.scope(np.uint32(seed), np.int32(step)):
        return np.asarray(layer(x, training=True))


def showing_inputs(rate, **arguments):
    """A layer whose output at each step is what dropout left of the inputs."""
    layer = pw.layers.SimpleRNN(FEATURES, activation=None, dropout=rate, return_sequences=True, **arguments)
    layer.build((None, TIME, FEATURES))
    layer.set_weights([np.eye(FEATURES), np.zeros((FEATURES, FEATURES)), np.zeros(FEATURES)])
    return layer


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_inputs_are_dropped_at_the_rate_and_the_rest_is_scaled(rate):
    y = at_step(showing_inputs(rate), ONES)
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - rate)], rtol=1e-6)
    assert abs((y[:, 0] == 0).mean() - rate) < SIGMAS * np.sqrt(rate * (1 - rate) / N)


@pytest.mark.parametrize("unroll", [False, True])
def test_one_mask_holds_for_a_sequence_and_each_row_has_its_own(unroll):
    y = at_step(showing_inputs(0.5, unroll=unroll), ONES)
    np.testing.assert_array_equal(y, y[:, :1].repeat(TIME, 1))
    assert len(np.unique(y[:, 0], axis=0)) > 0.5 * ROWS


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_the_state_is_dropped_by_one_mask_a_sequence(rate):
    """With nothing coming in and an identity for a kernel, what a mask keeps grows by its scale at each step."""
    layer = pw.layers.SimpleRNN(UNITS, activation=None, recurrent_dropout=rate, return_sequences=True)
    layer.build((None, TIME, FEATURES))
    layer.set_weights([np.zeros((FEATURES, UNITS)), np.eye(UNITS), np.zeros(UNITS)])
    with random.scope(np.uint32(7), np.int32(0)):
        y = np.asarray(layer(ONES, initial_state=np.ones((ROWS, UNITS), "float32"), training=True))
    growth = (1 - rate) ** -np.arange(1.0, TIME + 1)
    for t in range(TIME):
        np.testing.assert_allclose(np.unique(y[:, t]), [0, growth[t]], rtol=1e-5)
    assert abs((y[:, -1] == 0).mean() - rate) < SIGMAS * np.sqrt(rate * (1 - rate) / N)


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3)])
@pytest.mark.parametrize(
    "arguments", [{"implementation": 1}, {"recurrent_dropout": 0.5}], ids=["implementation", "state"]
)
def test_each_gate_has_a_mask_of_its_own_where_asked(kind, gates, arguments):
    cell = getattr(pw.layers, f"{kind}Cell")(UNITS, dropout=0.5, **arguments)
    with random.scope(np.uint32(1), np.int32(0)):
        kept, _ = cell._masks((TIME, ROWS, FEATURES), True)
    assert kept.shape == (ROWS, gates, FEATURES)
    assert not any(np.array_equal(kept[:, a], kept[:, b]) for a in range(gates) for b in range(a))


@pytest.mark.parametrize(("kind", "arguments"), [*((kind, {}) for kind in KINDS), ("GRU", {"reset_after": False})])
def test_masks_of_ones_change_nothing_and_rate_one_drops_everything(kind, arguments):
    x = np.random.default_rng(0).normal(size=(4, TIME, FEATURES)).astype("float32")
    plain = getattr(pw.layers, kind)(UNITS, **arguments)
    y = plain(x)
    tiny = getattr(pw.layers, kind)(UNITS, dropout=1e-9, recurrent_dropout=1e-9, **arguments)
    tiny(x)
    tiny.set_weights(plain.get_weights())
    np.testing.assert_allclose(at_step(tiny, x), y, rtol=1e-5, atol=1e-6)
    tiny.cell.dropout = tiny.cell.recurrent_dropout = 1.0
    nothing = at_step(tiny, x)
    np.testing.assert_allclose(nothing, nothing[:1].repeat(4, 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [None, 11])
def test_a_draw_is_a_function_of_seed_and_step(kind, seed):
    layer = getattr(pw.layers, kind)(3, dropout=0.5, recurrent_dropout=0.5, seed=seed)
    layer(ONES)
    np.testing.assert_array_equal(at_step(layer, ONES, 3), at_step(layer, ONES, 3))
    assert not np.array_equal(at_step(layer, ONES, 3), at_step(layer, ONES, 4))
    assert np.array_equal(at_step(layer, ONES, 3, seed=8), at_step(layer, ONES, 3)) == (seed is not None)


def noting(draw, seen):
    """`draw`, whose results are kept."""

    def noted(shape, seed):
        seen.append(draw(shape, seed))
        return seen[-1]

    return noted


def test_the_cells_of_a_stack_and_two_calls_of_a_layer_draw_differently():
    stack = pw.layers.StackedRNNCells([pw.layers.GRUCell(FEATURES, dropout=0.5) for _ in range(2)])
    layer = pw.layers.RNN(stack)
    layer.build((None, TIME, FEATURES))
    seen = []
    for cell in stack.cells:
        cell.draw_bits = noting(cell.draw_bits, seen)
    with random.scope(np.uint32(1), np.int32(0)):
        layer(ONES, training=True)
        layer(ONES, training=True)
    assert len(seen) == 4
    assert not any(np.array_equal(seen[a], seen[b]) for a in range(4) for b in range(a))


def test_dropout_follows_the_switch_and_explain_tells_of_it():
    layer = showing_inputs(0.5, name="r")
    inputs = pw.Input((TIME, FEATURES))
    model = pw.Model(inputs, layer(inputs))
    np.testing.assert_array_equal(model.predict(ONES, verbose=0), ONES)
    with pw.learning_phase_scope("training"):
        assert (model.predict(ONES, verbose=0) == 0).any()
    row = model.explain(print_fn=False)["r"]
    assert (row.fit.action, row.predict.action) == ("drops 50% of the inputs", "drops nothing")
    layer.cell.dropout, layer.cell.recurrent_dropout = 0.0, 0.25
    assert model.explain(print_fn=False)["r"].fit.action == "drops 25% of the state"
    layer.cell.recurrent_dropout = 0.0
    assert len(model.explain(print_fn=False)) == 0


def test_a_rate_that_was_assigned_is_checked_and_takes_effect():
    layer = showing_inputs(0.0)
    np.testing.assert_array_equal(at_step(layer, ONES), ONES)
    layer.dropout = 0.5
    assert (at_step(layer, ONES) == 0).any()
    layer.dropout = 2.0
    with pytest.raises(ValueError, match=r"SimpleRNN's dropout is the fraction to drop, in \[0, 1\]; got 2.0"):
        at_step(layer, ONES)


class Around(pw.Layer):
    """A cell of a user's own around one that drops."""

    def __init__(self, cell, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.state_size = cell, cell.state_size

    def build(self, input_shape):
        if not self.cell.built:
            self.cell.build(input_shape)
            self.cell.built = True

    def call(self, inputs, states):
        return self.cell(inputs, states)


def test_a_cell_inside_a_users_cell_keeps_its_mask_for_the_sequence_too():
    inner = showing_inputs(0.5).cell
    layer = pw.layers.RNN(Around(inner), return_sequences=True)
    y = at_step(layer, ONES)
    np.testing.assert_array_equal(y, y[:, :1].repeat(TIME, 1))
    assert (y == 0).any()
    assert (y > 0).any()


def test_sequences_beside_each_other_are_dropped_by_masks_of_their_own():
    layer = pw.layers.TimeDistributed(showing_inputs(0.5))
    y = at_step(layer, np.ones((50, 3, TIME, FEATURES), "float32"))
    np.testing.assert_array_equal(y, y[:, :, :1].repeat(TIME, 2))
    assert not np.array_equal(y[:, 0], y[:, 1])
