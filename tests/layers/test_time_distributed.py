"""TimeDistributed, Bidirectional and Masking beyond their rows in the table of parity."""

import warnings

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


# -- TimeDistributed


def test_a_dropout_draws_anew_for_each_step():
    layer = pw.layers.TimeDistributed(pw.layers.Dropout(0.5))
    with random.scope(np.uint32(1), np.int32(0)):
        kept = np.asarray(layer(np.ones((64, TIME, 20), "float32"), training=True)) != 0
    assert not any(np.array_equal(kept[:, a], kept[:, b]) for a in range(TIME) for b in range(a))


def test_the_wrapped_layer_gets_the_mask_of_its_step():
    ours, theirs = (K.layers.TimeDistributed(K.layers.LSTM(3)) for K in (pw, keras))
    x, mask = inputs_of((BATCH, 3, TIME, FEATURES)), np.random.default_rng(1).random((BATCH, 3, TIME)) > 0.4
    check_layer(ours, theirs, x, mask=mask)


def test_the_mask_of_the_steps_goes_on_behind_it():
    model = pw.Sequential(
        [
            pw.Input((TIME, FEATURES)),
            pw.layers.Masking(),
            pw.layers.TimeDistributed(pw.layers.Dense(3)),
            pw.layers.GRU(2),
        ]
    )
    x = np.where(MASK[..., None], X, 0)
    dense, gru = model.layers[1], model.layers[2]
    np.testing.assert_allclose(model(x), gru(dense(x), mask=MASK), rtol=1e-5, atol=1e-6)


def test_an_unknown_number_of_steps_stays_unknown_and_any_comes():
    inputs = pw.Input((None, 4, FEATURES))
    outputs = pw.layers.TimeDistributed(pw.layers.Flatten())(inputs)
    assert outputs.shape == (None, None, 4 * FEATURES)
    x = inputs_of((BATCH, 3, 4, FEATURES))
    np.testing.assert_array_equal(pw.Model(inputs, outputs)(x), x.reshape(BATCH, 3, -1))


def test_a_loss_of_probabilities_is_still_computed_from_logits():
    """A sigmoid of 40 rounds to 1: of the probability alone nothing would be left to learn from."""
    losses = []
    for wrap in (lambda layer: layer, pw.layers.TimeDistributed):
        model = pw.Sequential([pw.Input((TIME, 1)), wrap(pw.layers.Dense(1, "sigmoid"))])
        model.set_weights([np.float32([[40]]), np.float32([0])])
        model.compile("sgd", "binary_crossentropy")
        losses.append(model.evaluate(np.ones((2, TIME, 1)), np.zeros((2, TIME, 1)), verbose=0))
    assert losses == pytest.approx([40, 40])


def test_a_penalty_of_the_wrapped_layer_counts_every_step():
    layer = pw.layers.TimeDistributed(pw.layers.ActivityRegularization(l1=0.5))
    layer(X)
    np.testing.assert_allclose(float(layer.losses[0]), 0.5 * np.abs(X).sum() / BATCH, rtol=1e-5)


# -- Bidirectional


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("sequences", [False, True])
def test_every_way_to_merge_agrees_with_keras_with_states_and_a_mask(merge_mode, sequences):
    ours, theirs = (
        K.layers.Bidirectional(K.layers.LSTM(3, return_sequences=sequences, return_state=True), merge_mode=merge_mode)
        for K in (pw, keras)
    )
    check_layer(ours, theirs, X, mask=MASK)
    shapes = [t.shape[1:] for t in ours(pw.Input((TIME, FEATURES)))]
    assert shapes == [np.shape(leaf)[1:] for leaf in ours(X)]


def test_both_layers_get_their_part_of_an_initial_state():
    ours, theirs = (K.layers.Bidirectional(K.layers.LSTM(3)) for K in (pw, keras))
    states = [inputs_of((BATCH, 3), seed) for seed in range(4)]
    ours(X)
    theirs(X)
    share_weights(ours, theirs)
    close(ours(X, initial_state=states), theirs(X, initial_state=states), rtol=1e-5)


def test_a_bidirectional_text_classifier_fits():
    model = pw.Sequential(
        [
            pw.Input((None, FEATURES)),
            pw.layers.Masking(),
            pw.layers.Bidirectional(pw.layers.GRU(3, return_sequences=True)),
            pw.layers.Bidirectional(pw.layers.LSTM(3), merge_mode="ave"),
            pw.layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    before = model.evaluate(X, np.ones((BATCH, 1)), verbose=0)
    model.fit(X, np.ones((BATCH, 1)), epochs=5, verbose=0)
    assert model.evaluate(X, np.ones((BATCH, 1)), verbose=0) < before


def test_weights_may_be_given():
    given = pw.layers.Bidirectional(pw.layers.GRU(2))
    y = given(X)
    again = pw.layers.Bidirectional(pw.layers.GRU(2), weights=given.get_weights())
    np.testing.assert_array_equal(again(X), y)


@pytest.mark.parametrize(
    "make",
    [
        lambda K: K.layers.Bidirectional(K.layers.LSTM(3, return_sequences=True), merge_mode="mul", name="it"),
        lambda K: K.layers.Bidirectional(
            K.layers.LSTM(3), backward_layer=K.layers.GRU(3, go_backwards=True), name="it"
        ),
        lambda K: K.layers.TimeDistributed(K.layers.Dense(3), name="it"),
        lambda K: K.layers.RNN([K.layers.LSTMCell(3), K.layers.GRUCell(2)], unroll=True, name="it"),
        lambda K: K.layers.StackedRNNCells([K.layers.SimpleRNNCell(3)], name="it"),
        lambda K: K.layers.Masking(2.0, name="it"),
    ],
)
def test_configs_of_layers_around_others_go_both_ways(make):
    ours, theirs = make(pw), make(keras)
    from_theirs, from_ours = type(ours).from_config(theirs.get_config()), type(theirs).from_config(ours.get_config())
    assert set(from_theirs.get_config()) == set(from_ours.get_config()) == set(theirs.get_config())
    assert type(ours).from_config(from_ours.get_config()).get_config() == ours.get_config()


# -- Masking


@pytest.mark.parametrize("value", [0.0, 1.5, [1.5, 0.0]])
def test_masking_masks_the_steps_that_are_all_of_its_value(value):
    x = X.copy()
    x[~MASK] = value
    layers = [K.layers.Masking(np.float32(value) if isinstance(value, list) else value) for K in (pw, keras)]
    np.testing.assert_array_equal(layers[0].compute_mask(x), MASK)
    np.testing.assert_array_equal(layers[0](x), np.where(MASK[..., None], x, 0))
    np.testing.assert_array_equal(layers[0](x), layers[1](x))
    model = pw.Sequential([pw.Input((TIME, FEATURES)), layers[0], pw.layers.LSTM(3)])
    np.testing.assert_allclose(model(x), model.layers[1](x, mask=MASK), rtol=1e-5, atol=1e-7)


def test_masking_looks_at_values_before_they_are_rounded():
    x = np.float32([[[1.0], [1.001]]])  # one in bfloat16
    layer = pw.layers.Masking(1.0, dtype="mixed_bfloat16")
    np.testing.assert_array_equal(layer.compute_mask(x), [[False, True]])
    assert layer(x).dtype == "bfloat16"
    np.testing.assert_array_equal(np.asarray(layer(x), np.float32), [[[0], [1]]])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: pw.layers.Masking("no"), "mask_value is a number, or an array of numbers; got 'no'"),
        (lambda: pw.layers.TimeDistributed(3), "TimeDistributed wraps a layer; got 3 of type int"),
        (
            lambda: pw.layers.TimeDistributed(pw.layers.Dense(2), name="t")(np.ones((2, 3))),
            r"'t' takes inputs \(batch, time, ...\) with at least 3 axes; got one of shape \(2, 3\)",
        ),
        (
            lambda: pw.layers.TimeDistributed(pw.layers.Dense(2), name="t")(X, mask=MASK[:, 0]),
            r"'t' takes a mask whose first axes are \(batch, time\), here \(4, 5\); it was given one of shape \(4,\)",
        ),
        (lambda: pw.layers.Bidirectional(pw.layers.GRU(2), "add"), "merge_mode is one of 'sum', .*; got 'add'"),
        (
            lambda: pw.layers.Bidirectional(pw.layers.Dense(2)),
            "layer is a recurrent layer; got .* which has no 'go_backwards'",
        ),
        (
            lambda: pw.layers.Bidirectional(pw.layers.GRU(2), backward_layer=pw.layers.GRU(2, name="b")),
            "have one of each for `go_backwards`; the forward layer .* has False and the backward layer 'b' has False",
        ),
        (
            lambda: pw.layers.Bidirectional(
                pw.layers.GRU(2), backward_layer=pw.layers.GRU(2, go_backwards=True, return_state=True)
            ),
            "have the same for `return_state`; the forward layer .* has False and the backward layer .* has True",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_the_steps_of_a_sequence_count_as_updates_of_moving_statistics():
    """Three steps of four batches leave 0.5 ** 12 of the initial values: nothing lags, and nothing is said."""
    model = pw.Sequential(
        [
            pw.Input((3, FEATURES)),
            pw.layers.TimeDistributed(pw.layers.BatchNormalization(momentum=0.5)),
            pw.layers.GRU(2),
        ]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(5, 1, (32, 3, FEATURES)).astype("float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, np.zeros((32, 2)), batch_size=8, verbose=0)
    assert model.layers[0].layer._averages[0].updates == 12
