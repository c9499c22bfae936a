"""A call on a few rows is prepared by the one before it, and gives what that one gave; what has changed in between takes effect."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

ROWS = np.random.RandomState(0).randn(40, 4).astype(np.float32)
LOOKUP = np.array([[1], [2]], np.int32)


@pytest.fixture(scope="module")
def model():
    model = pw.Sequential(
        [pw.Input((4,)), layers.Dense(6, activation="relu"), layers.BatchNormalization(), layers.Dense(2)]
    )
    model.layers[1].moving_mean.assign(np.linspace(-1, 1, 6))
    return model


def predicted(model, x):
    return model.predict(x, verbose=0)


def called(model, x):
    return np.asarray(model(x))


def predicted_on_batch(model, x):
    return model.predict_on_batch(x)


ways = pytest.mark.parametrize("way", [predicted, called, predicted_on_batch])


@ways
@pytest.mark.parametrize("rows", [1, 2, 32, 33])
def test_a_row_has_the_same_bits_in_the_first_call_and_in_those_after_it(model, way, rows):
    whole = predicted(model, ROWS)
    for _ in range(3):
        np.testing.assert_array_equal(way(model, ROWS[:rows]), whole[:rows])


@ways
def test_rows_of_float64_are_taken_as_float32(model, way):
    for _ in range(2):
        np.testing.assert_array_equal(way(model, ROWS[:3].astype(np.float64)), predicted(model, ROWS)[:3])


@ways
def test_other_weights_take_effect_at_the_next_call(model, way):
    before, bias = [way(model, ROWS[:1]) for _ in range(2)][-1], model.layers[2].bias
    bias.assign([10.0, 20.0])
    np.testing.assert_allclose(way(model, ROWS[:1]) - before, [[10.0, 20.0]], rtol=1e-5)
    bias.assign([0.0, 0.0])
    np.testing.assert_array_equal(way(model, ROWS[:1]), before)


@ways
def test_a_pinned_phase_takes_effect_at_the_next_call(model, way):
    before = [way(model, ROWS[:2]) for _ in range(2)][-1]
    with pw.learning_phase_scope("training"):
        assert not np.allclose(way(model, ROWS[:2]), before)
    # model(x) in training has moved the statistics
    np.testing.assert_array_equal(way(model, ROWS[:2]), predicted(model, ROWS)[:2])


@ways
def test_a_layer_that_takes_the_place_of_another_is_called_next(way):
    model = pw.Sequential([pw.Input((4,)), layers.Rescaling(1.0)])
    for _ in range(2):
        np.testing.assert_array_equal(way(model, ROWS[:1]), ROWS[:1])
    model.pop()
    model.add(layers.Rescaling(3.0))
    for _ in range(2):
        np.testing.assert_allclose(way(model, ROWS[:1]), 3 * ROWS[:1], rtol=1e-6)


def test_another_policy_of_statistics_takes_effect_at_the_next_predict(model):
    before = [predicted(model, ROWS[:8]) for _ in range(2)][-1]
    with pw.statistics("batch"):
        assert not np.allclose(predicted(model, ROWS[:8]), before)
    np.testing.assert_array_equal(predicted(model, ROWS[:8]), before)


@ways
@pytest.mark.parametrize("rows", [1, 2])
def test_what_is_written_to_the_rows_later_changes_no_result(model, way, rows):
    x = ROWS[:rows].copy()
    way(model, x)
    outputs = model(x) if way is called else predicted(model, x)
    x[:] = 0
    np.testing.assert_array_equal(outputs, predicted(model, ROWS)[:rows])


@pytest.mark.parametrize("rows", [1, 2])
def test_what_predict_returns_is_the_callers(model, rows):
    expected = predicted(model, ROWS)[:rows]
    for _ in range(3):
        outputs = predicted(model, ROWS[:rows])
        np.testing.assert_array_equal(outputs, expected)
        outputs[:] = 0


def test_nan_is_told_of_at_every_predict(model):
    x = ROWS[:2].copy()
    x[1, 3] = np.nan
    for _ in range(3):
        with pytest.warns(pw.warning.NonFiniteWarning, match="x holds nan in row 1, position 3"):
            predicted(model, x)


@ways
def test_an_id_outside_of_its_table_is_told_of_at_every_call(way):
    model = pw.Sequential([pw.Input((1,), dtype="int32"), layers.Embedding(3, 2)])
    for _ in range(2):
        way(model, LOOKUP)
    with pytest.raises(ValueError, match="given 7 in row 1"):
        way(model, np.array([[0], [7]], np.int32))


@ways
def test_dropout_that_is_pinned_to_training_draws_anew_at_every_call(way):
    inputs = pw.Input((40,))
    model = pw.Model(inputs, layers.Dropout(0.5)(inputs, training=True))
    x = np.ones((1, 40), np.float32)
    assert len({way(model, x).tobytes() for _ in range(3)}) == 3


def test_a_callback_is_called_after_calls_that_had_none(model):
    seen = []
    for _ in range(2):
        predicted(model, ROWS[:1])
    watch = pw.callbacks.LambdaCallback(on_predict_end=lambda logs: seen.append(1))
    model.predict(ROWS[:1], verbose=0, callbacks=[watch])
    assert seen == [1]
