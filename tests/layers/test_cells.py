"""Cells: called by themselves, stacked, and of a user's own in `RNN`; what a cell writes, draws and adds goes from step to step."""

import jax
import keras
import numpy as np
import pytest

import phasewise as pw
from parity import check_layer, close, inputs_of, share_weights
from phasewise.core import random

pytestmark = pytest.mark.extensive

BATCH, TIME, FEATURES = 4, 5, 2
X = inputs_of((BATCH, TIME, FEATURES))
MASK = np.array([[1, 1, 0, 1, 1], [0, 0, 1, 1, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 1]], bool)


def minimal(K):
    """The cell of Keras's documentation."""

    class Minimal(K.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[-1], self.units), "uniform", name="kernel")
            self.recurrent_kernel = self.add_weight((self.units, self.units), "uniform", name="recurrent_kernel")
            self.built = True

        def call(self, inputs, states):
            output = K.ops.matmul(inputs, self.kernel) + K.ops.matmul(states[0], self.recurrent_kernel)
            return output, [output]

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Minimal


class Counting(pw.Layer):
    """Its output, twice its input, is not its state, the number of steps."""

    state_size, output_size = 1, FEATURES

    def call(self, inputs, states):
        return 2 * inputs, [states[0] + 1]


@pytest.mark.parametrize("name", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("arguments", [{}, {"use_bias": False, "activation": "relu"}])
def test_a_cell_by_itself_agrees_with_keras(name, arguments):
    cells = [getattr(library.layers, name)(3, **arguments) for library in (pw, keras)]
    count = 2 if name == "LSTMCell" else 1
    states = [inputs_of((BATCH, 3), seed) for seed in range(count)]
    for cell in cells:
        cell(X[:, 0], states)
    share_weights(*cells)
    close(cells[0](X[:, 0], states), cells[1](X[:, 0], states), rtol=1e-5)
    assert [np.shape(s) for s in cells[0].get_initial_state(batch_size=7)] == [(7, 3)] * count
    if count == 1:
        output, state = cells[0](X[:, 0], states[0])
        np.testing.assert_array_equal(output, state)


def test_a_stack_by_itself_agrees_with_keras():
    stacks = [K.layers.StackedRNNCells([K.layers.LSTMCell(3), K.layers.GRUCell(2)]) for K in (pw, keras)]
    states = [[inputs_of((BATCH, 3), 1), inputs_of((BATCH, 3), 2)], [inputs_of((BATCH, 2), 3)]]
    for stack in stacks:
        stack.build((BATCH, FEATURES))
    share_weights(*stacks)
    close(stacks[0](X[:, 0], states), stacks[1](X[:, 0], states), rtol=1e-5)
    assert stacks[0].state_size == stacks[1].state_size == [[3, 3], 2]


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize("flags", [{}, {"return_sequences": True, "go_backwards": True}])
def test_a_cell_of_ones_own_agrees_with_keras(mask, flags):
    ours, theirs = (K.layers.RNN(minimal(K)(3), return_state=True, **flags) for K in (pw, keras))
    check_layer(ours, theirs, X, **({} if mask is None else {"mask": mask}))


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_a_stack_of_cells_of_all_kinds_agrees_with_keras(mask):
    ours, theirs = (
        K.layers.RNN(
            [K.layers.LSTMCell(3), minimal(K)(2), K.layers.GRUCell(3)], return_sequences=True, return_state=True
        )
        for K in (pw, keras)
    )
    check_layer(ours, theirs, X, **({} if mask is None else {"mask": mask}))


def test_symbolic_states_of_a_stack_have_the_structure_that_comes_out():
    layer = pw.layers.RNN([pw.layers.LSTMCell(3), pw.layers.GRUCell(2)], return_state=True)
    inputs = pw.Input((None, FEATURES))
    symbols = layer(inputs)
    arrays = layer(X)
    assert jax.tree.structure(arrays) == jax.tree.structure(jax.tree.map(lambda t: 0, symbols))
    close(pw.Model(inputs, symbols)(X), arrays, rtol=1e-6)


def test_a_masked_step_repeats_the_output_of_a_cell_whose_output_is_no_state():
    layer = pw.layers.RNN(Counting(), return_sequences=True, return_state=True)
    output, count = (np.asarray(part) for part in layer(X, mask=MASK))
    np.testing.assert_array_equal(output[0, 2], 2 * X[0, 1])
    np.testing.assert_array_equal(output[1, :2], 0)
    np.testing.assert_array_equal(count[:, 0], MASK.sum(1))


def test_a_cell_need_not_be_a_layer():
    class Sum:
        state_size = FEATURES

        def call(self, inputs, states):
            return inputs + states[0], inputs + states[0]

    np.testing.assert_allclose(pw.layers.RNN(Sum())(X), X.sum(1), rtol=1e-5)


class Normalizing(pw.Layer):
    """A cell with batch normalization, dropout and a penalty in it."""

    def __init__(self, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.state_size = FEATURES
        self.bn, self.dropout = pw.layers.BatchNormalization(momentum=0.5), pw.layers.Dropout(rate)

    def build(self, input_shape):
        self.bn.build(input_shape)
        self.bn.built = True

    def call(self, inputs, states):
        output = self.dropout(self.bn(inputs)) + states[0]
        self.add_loss(abs(output).sum())
        return output, [output]


@pytest.mark.parametrize("unroll", [False, True])
def test_statistics_in_a_cell_follow_one_step_after_the_other(unroll):
    layer, alone = pw.layers.RNN(Normalizing(), unroll=unroll), pw.layers.BatchNormalization(momentum=0.5)
    y = np.asarray(layer(X, training=True))
    steps = [np.asarray(alone(X[:, t], training=True)) for t in range(TIME)]
    np.testing.assert_allclose(y, sum(steps), rtol=1e-4, atol=1e-5)
    close(layer.cell.bn.get_weights(), alone.get_weights(), rtol=1e-5)
    sums = np.cumsum(steps, axis=0)
    np.testing.assert_allclose(layer.losses[0], np.abs(sums).sum(), rtol=1e-4)


def test_a_cell_with_statistics_trains_and_is_recalibrated():
    inputs = pw.Input((TIME, FEATURES))
    model = pw.Model(inputs, pw.layers.Dense(1)(pw.layers.RNN(Normalizing(), name="rnn")(inputs)))
    model.compile("sgd", "mse")
    before = model.get_layer("rnn").cell.bn.get_weights()
    model.fit(X, X[:, 0, :1], batch_size=BATCH, verbose=0)
    bn = model.get_layer("rnn").cell.bn
    assert not np.allclose(before[2], bn.get_weights()[2])
    pw.recalibrate(model, X, batch_size=BATCH)
    np.testing.assert_allclose(bn.moving_mean.numpy(), X.mean((0, 1)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("unroll", [False, True])
def test_a_layer_in_a_cell_draws_anew_at_each_step(unroll):
    layer = pw.layers.RNN(Normalizing(0.5), return_sequences=True, unroll=unroll)
    ones = np.ones((64, 6, FEATURES), "float32")
    layer.build(ones.shape)
    layer.cell.bn.trainable = False
    with random.scope(np.uint32(1), np.int32(0)):
        kept = np.diff(np.asarray(layer(ones, training=True)), axis=1, prepend=0) > 0.1
    assert not any(np.array_equal(kept[:, a], kept[:, b]) for a in range(6) for b in range(a))
    assert abs(kept.mean() - 0.5) < 5 * 0.5 / np.sqrt(kept.size)
    eager = np.asarray(layer(ones, training=True))
    assert not np.array_equal(eager, np.asarray(layer(ones, training=True)))


def test_explain_tells_of_what_is_inside_a_cell():
    inputs = pw.Input((TIME, FEATURES))
    cell = Normalizing(0.5)
    model = pw.Model(inputs, pw.layers.RNN(cell)(inputs))
    assert [row.layer for row in model.explain(print_fn=False)] == [cell.bn.name, cell.dropout.name]


def test_a_user_cells_config_goes_through_rnn():
    pw.core.registry.register_serializable()(cls := minimal(pw))
    layer = pw.layers.RNN([cls(3), pw.layers.GRUCell(2)], return_sequences=True, name="r")
    again = pw.layers.RNN.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert isinstance(again.cell.cells[0], cls)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: pw.layers.RNN(3), "3 of type int has no `call`"),
        (lambda: pw.layers.RNN(pw.layers.Dense(3)), "of type Dense has no `state_size`"),
        (lambda: pw.layers.RNN([]), r"StackedRNNCells takes a list of at least one cell; got \[\]"),
        (lambda: pw.layers.StackedRNNCells([pw.layers.Dense(2)]), "of type Dense has no `state_size`"),
    ],
)
def test_what_is_no_cell_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


class Wrong(pw.Layer):
    def __init__(self, result, **kwargs):
        super().__init__(**kwargs)
        self.state_size, self.result = 2, result

    def call(self, inputs, states):
        return self.result(inputs)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda x: x, r"The cell 'c' \(Wrong\) returns \(output, states\) from its call; it returned"),
        (lambda x: (x, [x, x]), r"given states of shapes \(4, 2\) and returned states of shapes \(4, 2\), \(4, 2\)"),
        (lambda x: (x, [x[:, :1]]), r"given states of shapes \(4, 2\) and returned states of shapes \(4, 1\)"),
    ],
)
def test_a_cell_that_returns_something_else_is_named(result, words):
    with pytest.raises(ValueError, match=words):
        pw.layers.RNN(Wrong(result, name="c"))(X)
