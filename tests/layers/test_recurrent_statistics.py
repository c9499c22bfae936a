"""Which statistics a normalized recurrent layer uses, and what follows what: the switch, the policies, steps, masks, recalibration."""

import warnings

import numpy as np
import pytest

import phasewise as pw
from parity import inputs_of
from phasewise.core.warning import InitialStatisticsWarning, LaggingStatisticsWarning, SmallBatchWarning

ROWS, TIME, FEATURES, UNITS = 12, 5, 2, 3
X = inputs_of((ROWS, TIME, FEATURES)) + 1
Y = inputs_of((ROWS, 1), 3)
LENGTHS = np.arange(ROWS) % TIME + 1
MASK = np.arange(TIME)[None] < LENGTHS[:, None]
TERMS = ["it_input_to_hidden", "it_hidden_to_hidden", "it_cell_output"]


def model_of(layer=None, time=TIME, **arguments):
    """An LSTM called "it" in a model, its weights away from where they begin."""
    arguments = {"normalization": "batch", "normalization_momentum": 0.5, **arguments}
    layer = layer or pw.layers.LSTM(UNITS, name="it", **arguments)
    model = pw.Sequential([pw.Input((time, FEATURES)), layer])
    rng = np.random.default_rng(2)
    for weight in model.trainable_variables:
        weight.assign(rng.normal(size=weight.shape) + (0.5 if weight.name == "gamma" else 0))
    return model


@pytest.fixture(scope="module")
def trained():
    pw.set_random_seed(1)
    model = pw.Sequential([*model_of().layers, pw.layers.Dense(1)])
    model.compile(pw.optimizers.SGD(0.05), "mse")
    model.fit(X, Y, batch_size=6, epochs=10, verbose=0)
    return model


def state_of(layer):
    return [v.numpy().copy() for v in layer.non_trainable_variables]


def term(model, name):
    return next(layer for layer in model.all_layers() if layer.name == f"it_{name}")


def test_explain_has_a_row_for_each_term(trained):
    rows = trained.explain(print_fn=False)
    assert [row.layer for row in rows] == TERMS
    for row in rows:
        assert row.fit.action == "batch statistics, moving ones follow"
        assert row.predict.action == "moving statistics"
        assert (row.fit.rule, row.predict.rule, row.evaluate.reason) == (5, 5, "evaluate")


def test_a_row_has_the_same_bits_in_any_batch(trained):
    whole = trained.predict(X, verbose=0)
    for size in (1, 5):
        np.testing.assert_array_equal(trained.predict(X, batch_size=size, verbose=0), whole)
    order = np.random.default_rng(0).permutation(ROWS)
    np.testing.assert_array_equal(trained.predict(X[order], verbose=0), whole[order])


def test_the_phase_follows_the_six_rules():
    model = model_of()
    layer = model.layers[0]
    state = layer.get_weights()
    inference = np.asarray(model(X))

    def phase_of(call):
        y = np.asarray(call(X))
        wrote = not all(np.array_equal(a, b) for a, b in zip(state, layer.get_weights()))
        layer.set_weights(state)
        assert wrote != np.array_equal(y, inference)
        return "training" if wrote else "inference"

    assert phase_of(model) == "inference"
    assert phase_of(lambda x: model(x, training=True)) == "training"
    with pw.learning_phase_scope("training"):
        assert phase_of(model) == "training"
        assert phase_of(lambda x: model(x, training=False)) == "inference"
    pinned = pw.Model(model.input, layer(model.input, training=True))
    assert phase_of(lambda x: pinned(x, training=False)) == "training"
    layer.trainable = False
    assert phase_of(pinned) == "inference"
    layer.trainable = True
    assert phase_of(pinned) == "training"


def test_a_frozen_layer_is_told_and_one_term_can_be_frozen_alone():
    model = model_of()
    frozen = term(model, "hidden_to_hidden")
    frozen.trainable = False
    rows = model.explain(print_fn=False)
    assert [row.fit.rule for row in rows] == [5, 1, 5]
    before = state_of(frozen)
    model(X, training=True)
    np.testing.assert_array_equal(before[-1], state_of(frozen)[-1])
    assert (term(model, "cell_output").moving_mean.numpy()[:TIME] != 0).any()


@pytest.mark.extensive
def test_predicting_with_the_batch_is_what_training_computes(trained):
    layer = trained.layers[0]
    state = state_of(layer)
    expected = np.asarray(trained(X, training=True))
    for variable, value in zip(layer.non_trainable_variables, state):
        variable.assign(value)
    found = trained.predict(X, statistics="batch", batch_size=ROWS, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        trained.predict(X, statistics=pw.blend(0), batch_size=ROWS, verbose=0), expected, rtol=1e-4, atol=1e-5
    )
    moving = trained.predict(X, verbose=0)
    np.testing.assert_allclose(trained.predict(X, statistics=pw.blend(1e7), verbose=0), moving, rtol=1e-4, atol=1e-5)
    for a, b in zip(state, state_of(layer)):
        np.testing.assert_array_equal(a, b)


def test_a_policy_can_be_given_to_one_term(trained):
    told = trained.explain(statistics={TERMS[1]: "batch"}, print_fn=False)
    assert [row.predict.statistics for row in told] == ["moving", "batch", "moving"]
    with pytest.raises(
        ValueError, match=r"names the layer 'it_cell', .*It has: it_input_to_hidden, it_hidden_to_hidden"
    ):
        trained.predict(X, statistics={"it_cell": "batch"}, verbose=0)


def test_rows_that_fill_up_a_short_batch_do_not_count(trained):
    found = trained.predict(X[:7], statistics="batch", verbose=0)
    np.testing.assert_allclose(found, trained.predict(X[:7], statistics="batch", batch_size=7, verbose=0), rtol=1e-5)
    short, whole = model_of(), model_of()
    for model, size in ((short, 32), (whole, 7)):
        model.compile(pw.optimizers.SGD(0.0), "mse")
        model.fit(X[:7], np.zeros((7, UNITS)), batch_size=size, verbose=0)
    for a, b in zip(state_of(short), state_of(whole)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.extensive
def test_what_masked_steps_hold_changes_nothing():
    layer = pw.layers.LSTM(UNITS, normalization="batch", return_sequences=True)
    layer(X)
    weights = layer.get_weights()
    garbage = np.where(MASK[..., None], X, 1e30).astype("float32")
    found = []
    for x in (X, garbage):
        layer.set_weights(weights)
        found.append((np.asarray(layer(x, mask=MASK, training=True)), *state_of(layer)))
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_a_step_that_no_batch_has_reached_uses_the_nearest_one_before_it():
    model = model_of(time=None)
    for _ in range(12):
        model(X[:, :3], training=True)
    held = term(model, "input_to_hidden")
    assert (held.moving_variance.numpy()[3:] == 1).all()
    filled = model_of(time=None)
    filled.set_weights(model.get_weights())
    for each in filled.layers[0].cell.terms:
        for weight in each.non_trainable_variables:
            value = weight.numpy().copy()
            value[3:] = value[2]
            weight.assign(value)
    np.testing.assert_array_equal(model.predict(X, verbose=0), filled.predict(X, verbose=0))


@pytest.mark.extensive
def test_steps_from_the_first_that_has_followed_a_batch_stand_in_for_those_before_it():
    model = model_of(time=None)
    late = np.arange(TIME)[None].repeat(ROWS, 0) >= 2
    layer = model.layers[0]
    for _ in range(12):
        layer(X, mask=late, training=True)
    mean = term(model, "input_to_hidden").moving_mean.numpy()
    np.testing.assert_array_equal(mean[:2], 0)
    y = np.asarray(layer(X[:, :1]))
    for each in layer.cell.terms:
        for weight in each.non_trainable_variables:
            value = weight.numpy().copy()
            value[0] = value[2]
            weight.assign(value)
    np.testing.assert_array_equal(layer(X[:, :1]), y)


def test_the_last_of_the_steps_takes_all_later_ones_together():
    layer = pw.layers.SimpleRNN(UNITS, normalization="batch", normalization_steps=3, normalization_momentum=0.0)
    layer(X, mask=MASK, training=True)
    product = X.astype(np.float64) @ layer.get_weights()[0].astype(np.float64)
    term = layer.cell.terms[0]
    assert term.moving_mean.shape == (3, UNITS)
    for t, chosen in enumerate(
        [MASK & (np.arange(TIME) == 0), MASK & (np.arange(TIME) == 1), MASK & (np.arange(TIME) > 1)]
    ):
        np.testing.assert_allclose(term.moving_mean.numpy()[t], product[chosen].mean(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(term.moving_variance.numpy()[t], product[chosen].var(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", ["layerwise", "precise"])
def test_recalibrate_gives_the_moments_of_the_whole_population(method):
    model = model_of()
    found = pw.recalibrate(model, X, method=method, batch_size=ROWS, verbose=0)
    assert [change.layer for change in found] == TERMS
    assert {change.values for change in found} == {ROWS}
    np.testing.assert_allclose(
        model.predict(X, verbose=0),
        model.predict(X, statistics="batch", batch_size=ROWS, verbose=0),
        rtol=1e-4,
        atol=1e-5,
    )
    product = X.astype(np.float64) @ model.get_weights()[0].astype(np.float64)
    np.testing.assert_allclose(found[TERMS[0]].mean[:TIME], product.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(term(model, "input_to_hidden").moving_variance.numpy()[TIME:], 1)


def test_recalibrate_leaves_steps_without_rows_as_they_were(trained):
    model = model_of(time=None)
    for _ in range(3):
        model(X, training=True)
    before = term(model, "cell_output").moving_variance.numpy()[3:].copy()
    pw.recalibrate(model, X[:, :3], verbose=0)
    np.testing.assert_array_equal(term(model, "cell_output").moving_variance.numpy()[3:], before)


def test_recalibrate_leaves_a_frozen_layer_alone():
    model = model_of()
    model.layers[0].trainable = False
    with pytest.raises(ValueError, match=r"has no batch normalization layer to recalibrate\. Its 3 are frozen"):
        pw.recalibrate(model, X, verbose=0)


def test_fit_tells_of_statistics_that_lag_and_of_small_batches():
    model = model_of(normalization_momentum=0.99)
    model.compile("sgd", "mse")
    with pytest.warns(
        LaggingStatisticsWarning, match="'it_.*and 2 other layers.* 2 updates at momentum 0.99 leave 98%"
    ):
        model.fit(X, np.zeros((ROWS, UNITS)), batch_size=6, verbose=0)
    model = model_of()
    model.compile("sgd", "mse")
    with pytest.warns(
        SmallBatchWarning, match="'it_input_to_hidden', 'it_hidden_to_hidden', 'it_cell_output'.*batch of 2"
    ):
        model.train_on_batch(X[:2], np.zeros((2, UNITS)))
    with pytest.warns(InitialStatisticsWarning, match="'it_input_to_hidden'"):
        model_of().predict(X, verbose=0)


def test_a_lag_is_told_of_the_steps_that_batches_reach_and_not_thinned_by_the_others():
    model = model_of(normalization_momentum=0.9, normalization_steps=5000)
    model.compile("sgd", "mse")
    with pytest.warns(LaggingStatisticsWarning, match="leave 81%"):
        model.fit(X, np.zeros((ROWS, UNITS)), batch_size=6, verbose=0)


def test_statistics_that_have_caught_up_are_not_told_of():
    model = model_of(normalization_momentum=0.0)
    model.compile(pw.optimizers.SGD(0.0), "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, np.zeros((ROWS, UNITS)), batch_size=ROWS, verbose=0)
        model.predict(X, verbose=0)


def test_inputs_far_from_zero_keep_their_digits():
    x = np.random.default_rng(0).normal(1e5, 1, (ROWS, TIME, FEATURES)).astype("float32")
    layer = pw.layers.SimpleRNN(UNITS, normalization="batch", normalization_epsilon=1e-3, return_sequences=True)
    layer(x)
    near = (x.astype(np.float64) - 1e5).astype("float32")  # exact
    np.testing.assert_allclose(layer(x, training=True), layer(near, training=True), rtol=1e-5, atol=1e-6)


def test_half_precision_is_near():
    full, half = model_of(), model_of(pw.layers.LSTM(UNITS, name="it", normalization="batch", dtype="mixed_bfloat16"))
    half.set_weights(full.get_weights())
    y = full(X, training=True)
    np.testing.assert_allclose(np.asarray(half(X, training=True), np.float32), y, rtol=2e-2, atol=2e-2)
    assert half.layers[0].cell.terms[0].moving_mean.dtype == "float32"
