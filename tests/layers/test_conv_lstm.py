"""Convolutional LSTM beyond the table of parity: states, masks, dropout, positions that are not known, what is refused."""

import jax
import keras
import numpy as np
import pytest
from keras.src.layers.rnn.conv_lstm import ConvLSTMCell as KerasCell

import phasewise as pw
from parity import arguments, check_layer, close, inputs_of, share_weights
from phasewise.core import random
from phasewise.layers import ConvLSTM1D, ConvLSTM2D, ConvLSTMCell

pytestmark = pytest.mark.extensive

BATCH, TIME = 3, 4
X = inputs_of((BATCH, TIME, 4, 3, 2))
MASK = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]], bool)
FILTERS = 2
STATES = [inputs_of((BATCH, 4, 3, FILTERS), seed) for seed in (1, 2)]


def pair(**more):
    return [library.layers.ConvLSTM2D(FILTERS, 2, padding="same", **more) for library in (pw, keras)]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_arguments_weights_and_their_order_are_those_of_keras(rank):
    ours, theirs = (getattr(library.layers, f"ConvLSTM{rank}D") for library in (pw, keras))
    assert arguments(ours.__init__) == arguments(theirs.__init__)
    layers = [cls(FILTERS, 2, name="it") for cls in (ours, theirs)]
    for layer in layers:
        layer.build((BATCH, TIME, *(3,) * rank, 5))
    assert [(w.path, w.shape) for w in layers[0].weights] == [(w.path, w.shape) for w in layers[1].weights]
    np.testing.assert_array_equal(layers[0].get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])
    assert arguments(ConvLSTMCell.__init__) == arguments(KerasCell.__init__)


@pytest.mark.parametrize("go_backwards", [False, True])
def test_a_masked_step_is_as_if_it_were_not_there(go_backwards):
    """Row by row; Keras lays the mask over the axes of positions instead."""
    layer, _ = pair(return_state=True, go_backwards=go_backwards)
    found = layer(X, mask=MASK)
    for row, mask in enumerate(MASK):
        alone = layer(X[row : row + 1, mask])
        close([part[row : row + 1] for part in found], alone, rtol=1e-6)


def test_masked_steps_repeat_the_output_or_give_zero():
    layer, _ = pair(return_sequences=True)
    y = np.asarray(layer(X, mask=MASK))
    np.testing.assert_array_equal(y[0, 1], y[0, 0])
    np.testing.assert_array_equal(y[2], 0)
    layer.zero_output_for_mask = True
    np.testing.assert_array_equal(layer(X, mask=MASK), y * MASK[..., None, None, None])


def test_an_initial_state_is_taken():
    check_layer(*pair(return_state=True), X, initial_state=STATES)


def test_a_cell_by_itself_agrees_with_keras():
    cells = [cls(2, FILTERS, 2, padding="same") for cls in (ConvLSTMCell, KerasCell)]
    for cell in cells:
        cell.build(X[:, 0].shape)
    share_weights(*cells)
    close(cells[0](X[:, 0], STATES), cells[1](X[:, 0], STATES), rtol=1e-5)
    assert [state.shape for state in cells[0].get_initial_state(7)] == [(7, 4, 3, FILTERS)] * 2
    assert cells[0].compute_output_shape((None, 4, 3, 2)) == (
        (None, 4, 3, FILTERS),
        [(None, 4, 3, FILTERS), (None, 4, 3, FILTERS)],
    )


@pytest.mark.parametrize("merge_mode", ["concat", None])
def test_both_directions_agree_with_keras(merge_mode):
    layers = [
        library.layers.Bidirectional(library.layers.ConvLSTM2D(FILTERS, 2, return_sequences=True), merge_mode)
        for library in (pw, keras)
    ]
    check_layer(*layers, X)


def test_channels_first_is_the_same_with_the_axes_exchanged():
    last, first = (
        ConvLSTM2D(FILTERS, 2, data_format=f"channels_{where}", return_state=True, dropout=1e-9, recurrent_dropout=1e-9)
        for where in ("last", "first")
    )
    turned = np.moveaxis(X, -1, 2)
    first(turned)
    last(X)
    first.set_weights(last.get_weights())
    for training in (False, True):
        expected = [np.moveaxis(part, -1, 1) for part in last(X, training=training)]
        close(first(turned, training=training), expected, rtol=1e-5)


def test_stacked_cells_are_layers_one_after_the_other():
    cells = [ConvLSTMCell(2, 3, 2), ConvLSTMCell(2, FILTERS, 2)]
    stack = pw.layers.RNN(cells, return_state=True)
    below, above = ConvLSTM2D(3, 2, return_sequences=True), ConvLSTM2D(FILTERS, 2, return_state=True)
    output, first, second = stack(X)
    above(below(X))
    for layer, weights in ((below, stack.get_weights()[:3]), (above, stack.get_weights()[3:])):
        layer.set_weights(weights)
    close((output, second), (above(below(X))[0], above(below(X))[1:]), rtol=1e-6)
    assert [state.shape for state in first] == [(BATCH, 3, 2, 3)] * 2
    assert stack.compute_output_shape((None, None, 4, 3, 2)) == (
        (None, 2, 1, FILTERS),
        [(None, 3, 2, 3)] * 2,
        [(None, 2, 1, FILTERS)] * 2,
    )


def test_time_and_positions_may_be_unknown_until_the_call():
    inputs = pw.Input((None, None, 3, 2))
    layer = ConvLSTM2D(FILTERS, 2, strides=(2, 1), return_sequences=True, return_state=True)
    output, *states = layer(inputs)
    assert output.shape == (None, None, None, 2, FILTERS)
    assert [state.shape for state in states] == [(None, None, 2, FILTERS)] * 2
    model = pw.Model(inputs, output)
    known = ConvLSTM2D(FILTERS, 2, strides=(2, 1), return_sequences=True)
    for steps, height in ((TIME, 4), (2, 2)):
        x = X[:, :steps, :height]
        known(x)
        known.set_weights(layer.get_weights())
        np.testing.assert_allclose(model.predict(x, verbose=0), known(x), rtol=1e-6, atol=1e-7)


def test_half_precision_is_near_and_sums_stay_single():
    single = ConvLSTM2D(FILTERS, 2, return_sequences=True)
    half = ConvLSTM2D(FILTERS, 2, return_sequences=True, dtype="mixed_bfloat16")
    y = np.asarray(single(X))
    half(X)
    half.set_weights(single.get_weights())
    assert half(X).dtype == "bfloat16"
    assert half.weights[0].dtype == "float32"
    np.testing.assert_allclose(np.asarray(half(X), "float32"), y, rtol=2e-2, atol=2e-2)


# -- dropout


def showing(what, **arguments):
    """A layer in which the gate `what` shows its input, the cell's own gates at one, what was remembered forgotten."""
    layer = ConvLSTM1D(1, 1, activation=None, recurrent_activation=None, return_sequences=True, **arguments)
    layer.build((None, TIME, 50, 1))
    kernels = np.zeros((2, 1, 1, 4), "float32")
    of_input, of_state = kernels
    (of_state if arguments.get("recurrent_dropout") else of_input)[..., "ifgo".index(what)] = 1
    bias = np.array([1, 0, 1, 1], "float32")
    bias["ifgo".index(what)] = 0
    layer.set_weights([of_input, of_state, bias])
    return layer


def trained(layer, x, step=0, **call):
    with random.scope(np.uint32(7), np.int32(step)):
        return np.asarray(layer(x, training=True, **call))


ONES = np.ones((40, TIME, 50, 1), "float32")


def test_inputs_are_dropped_by_one_mask_a_sequence_with_one_of_its_own_for_each_gate():
    seen = {what: trained(showing(what, dropout=0.25), ONES) for what in "igo"}
    for y in seen.values():
        np.testing.assert_allclose(np.unique(y), [0, 4 / 3], rtol=1e-6)
        np.testing.assert_array_equal(y, y[:, :1].repeat(TIME, 1))
        assert abs((y[:, 0] == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 2000)
    assert not np.array_equal(seen["i"], seen["g"])
    assert not np.array_equal(seen["g"], seen["o"])
    layer = showing("g", dropout=0.25)
    np.testing.assert_array_equal(layer(ONES), ONES)
    assert not np.array_equal(trained(layer, ONES, step=1), seen["g"])


def test_the_state_is_dropped_by_one_mask_a_sequence():
    layer = showing("g", recurrent_dropout=0.5)
    first = np.ones((40, 50, 1), "float32")
    y = trained(layer, ONES, initial_state=[first, first])
    for t in range(TIME):
        np.testing.assert_allclose(np.unique(y[:, t]), [0, 2.0 ** (t + 1)], rtol=1e-6)
    assert abs((y[:, -1] == 0).mean() - 0.5) < 5 * 0.5 / np.sqrt(2000)


def test_explain_says_what_is_dropped():
    inputs = pw.Input((TIME, 4, 3, 2))
    model = pw.Model(inputs, ConvLSTM2D(2, 2, dropout=0.1, recurrent_dropout=0.2, name="it")(inputs))
    row = model.explain(print_fn=False)["it"]
    assert row.fit.action == "drops 10% of the inputs, 20% of the state"
    assert row.predict.action == "drops nothing"


# -- memory


def test_a_stateful_layer_goes_on_and_is_reset():
    inputs = pw.Input(batch_shape=(BATCH, None, 4, 3, 2))
    layer = ConvLSTM2D(FILTERS, 2, stateful=True, name="it")
    model = pw.Model(inputs, layer(inputs))
    whole = ConvLSTM2D(FILTERS, 2)
    whole(X)
    whole.set_weights(layer.get_weights())
    first = model.predict(X[:, :1], batch_size=BATCH, verbose=0)
    np.testing.assert_allclose(model.predict(X[:, 1:], batch_size=BATCH, verbose=0), whole(X), rtol=1e-5, atol=1e-6)
    layer.reset_states()
    np.testing.assert_array_equal(model.predict(X[:, :1], batch_size=BATCH, verbose=0), first)
    with pytest.raises(ValueError, match=r"'it' is stateful for batches of 3 rows.* was given a batch of 2"):
        layer(X[:2])
    with pytest.raises(
        ValueError, match=r"expects an input of size 4 on axis 2; got an input of shape \(3, 4, 3, 3, 2\)"
    ):
        layer(X[:, :, :3])


# -- what is refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"filters": 0}, "ConvLSTMCell's filters must be a positive integer; got 0"),
        (
            {"kernel_size": (2, 3, 4)},
            r"kernel_size must be a positive integer or a tuple of 2 of them; got \(2, 3, 4\)",
        ),
        ({"padding": "causal"}, "padding is one of 'valid', 'same'; got 'causal'"),
        ({"data_format": "last"}, "data_format is one of .*'channels_last'.*; got 'last'"),
        ({"strides": 2, "dilation_rate": 2}, r"strides or a dilation_rate above 1, not both; got strides=\(2, 2\)"),
        ({"dropout": 1.5}, "dropout"),
        ({"stateful": "yes"}, "ConvLSTM2D's stateful is True or False; got 'yes'"),
        ({"normalization": "batch"}, "ConvLSTM2D has no argument 'normalization'"),
    ],
)
def test_an_argument_out_of_its_range_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        ConvLSTM2D(**{"filters": 2, "kernel_size": 2, **arguments})


def test_what_the_cell_does_not_take_is_refused():
    with pytest.raises(ValueError, match="ConvLSTMCell has no argument 'normalization'"):
        ConvLSTMCell(2, 2, 2, normalization="batch")
    with pytest.raises(ValueError, match="ConvLSTMCell's rank is one of 1, 2, 3; got 4"):
        ConvLSTMCell(4, 2, 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ConvLSTM2D(2, 2)(X[0]), r"'it'.*expects an input with 5 axes.*got an input of shape \(4, 4, 3, 2\)"),
        (
            lambda: ConvLSTM2D(2, (2, 5))(X),
            r"kernel larger than its input: with kernel_size=\(2, 5\) it reaches over 2 x 5 positions, and an input of shape "
            r"\(3, 4, 3, 2\)",
        ),
        (lambda: ConvLSTM2D(2, 2)(X, mask=MASK[:, :2]), r"mask .*\(3, 2\)"),
        (
            lambda: ConvLSTM2D(2, 2)(X, initial_state=STATES),
            r"takes 2 initial states of shape \(3, 3, 2, 2\), \(3, 3, 2, 2\); it was given 2 of shape \(3, 4, 3, 2\)",
        ),
        (
            lambda: ConvLSTMCell(2, 2, 2)(X[:, 0], STATES),
            r"takes two states of shape \(3, 3, 2, 2\), .*; it was given 2 of shape \(3, 4, 3, 2\)",
        ),
        (
            lambda: ConvLSTM2D(2, 2, stateful=True)(pw.Input((4, 4, 3, 2))),
            "is stateful, so that its batch size must be known",
        ),
        (
            lambda: ConvLSTM2D(2, 2, stateful=True)(pw.Input(batch_shape=(3, 4, None, 3, 2))),
            r"these are not known: \(None, 2\). Give the sizes in Input, or initial_state",
        ),
        (lambda: ConvLSTM2D(2, 2)(pw.Input((4, 4, 3, None))), "needs a known number of channels"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words.replace("'it'", "")):
        jax.tree.map(np.asarray, call())
