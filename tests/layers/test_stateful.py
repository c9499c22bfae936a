"""Stateful recurrent layers: the state of each row goes on from batch to batch, in every task."""

import numpy as np
import pytest

import phasewise as pw
from parity import close, inputs_of, keras

pytestmark = pytest.mark.extensive

ROWS, TIME, FEATURES = 4, 3, 2
X = inputs_of((2 * ROWS, TIME, FEATURES))
Y = inputs_of((2 * ROWS, 1), 1)
WHOLE = np.concatenate([X[:ROWS], X[ROWS:]], axis=1)  # what the rows see if the two batches follow each other


def model(kind="LSTM", stateful=True, library=pw, **arguments):
    shape = (ROWS, None, FEATURES) if stateful else (None, None, FEATURES)
    made = library.Sequential(
        [
            library.Input(batch_shape=shape),
            getattr(library.layers, kind)(3, stateful=stateful, name="recurrent", **arguments),
            library.layers.Dense(1),
        ]
    )
    if library is pw:
        made.compile(pw.optimizers.SGD(0.1), "mse")
    return made


@pytest.fixture(scope="module")
def stateful():
    return model()


@pytest.fixture
def ours(stateful):
    stateful.get_layer("recurrent").reset_states()
    return stateful


def whole_outputs(ours):
    """What a layer without memory makes of the joined sequences: after the first batch's steps, and after all."""
    plain = model(stateful=False)
    plain.set_weights(ours.get_weights())
    return np.concatenate([plain(WHOLE[:, :TIME]), plain(WHOLE)])


def states(ours):
    return [np.asarray(v.value) for v in ours.get_layer("recurrent").states]


def test_predict_goes_on_from_batch_to_batch(ours):
    np.testing.assert_allclose(ours.predict(X, batch_size=ROWS, verbose=0), whole_outputs(ours), rtol=1e-5, atol=1e-6)


def test_predict_goes_on_where_the_last_predict_ended(ours):
    first, second = (ours.predict(part, batch_size=ROWS, verbose=0) for part in (X[:ROWS], X[ROWS:]))
    np.testing.assert_allclose([*first, *second], whole_outputs(ours), rtol=1e-5, atol=1e-6)


def test_a_callback_that_sees_every_batch_changes_nothing(ours):
    watching = pw.callbacks.LambdaCallback(on_predict_batch_end=lambda batch, logs: None)
    seen = ours.predict(X, batch_size=ROWS, verbose=0, callbacks=[watching])
    np.testing.assert_allclose(seen, whole_outputs(ours), rtol=1e-5, atol=1e-6)


def test_predict_on_batch_and_plain_calls_go_on(ours):
    outputs = [*ours.predict_on_batch(X[:ROWS]), *np.asarray(ours(X[ROWS:]))]
    np.testing.assert_allclose(outputs, whole_outputs(ours), rtol=1e-5, atol=1e-6)


def test_evaluate_goes_on_from_batch_to_batch(ours):
    expected = np.square(whole_outputs(ours) - Y).mean()
    assert ours.evaluate(X, Y, batch_size=ROWS, verbose=0) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(states(ours)[0], np.asarray(after(ours, WHOLE)), rtol=1e-5, atol=1e-6)


def test_test_on_batch_goes_on(ours):
    expected = [np.square(part).mean() for part in np.split(whole_outputs(ours) - Y, 2)]
    found = [ours.test_on_batch(x, y) for x, y in ((X[:ROWS], Y[:ROWS]), (X[ROWS:], Y[ROWS:]))]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def after(ours, x):
    """The first state after a sequence that begins at zero."""
    layer = pw.layers.LSTM(3)
    layer(x)
    layer.set_weights(ours.get_layer("recurrent").get_weights())
    return layer(x)


def test_fit_goes_on_from_batch_to_batch_as_keras_would_if_it_kept_what_is_written(ours):
    """Keras on JAX trains each batch from a state of zeros; its own eager steps, one by one, keep the state."""
    weights = ours.get_weights()
    ours.fit(X, Y, batch_size=ROWS, shuffle=False, verbose=0)
    trained, kept = ours.get_weights(), states(ours)
    by_hand = model()
    by_hand.set_weights(weights)
    for part in (slice(0, ROWS), slice(ROWS, None)):
        by_hand.train_on_batch(X[part], Y[part])
    close(trained, by_hand.get_weights(), rtol=1e-5)
    close(kept, states(by_hand), rtol=1e-5)
    assert np.abs(kept[0]).max() > 0
    ours.set_weights(weights)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_layers_called_one_by_one_agree_with_keras(kind):
    made = [getattr(library.layers, kind)(3, stateful=True, return_state=True) for library in (pw, keras)]
    for layer in made:
        layer.build((ROWS, TIME, FEATURES))
    made[0].set_weights(made[1].get_weights())
    for part in (X[:ROWS], X[ROWS:]):
        close(made[0](part), made[1](part), rtol=1e-5)
    for layer in made:
        layer.reset_states()
    close(made[0](X[ROWS:]), made[1](X[ROWS:]), rtol=1e-5)


def test_states_are_variables_and_no_weights(ours):
    layer = ours.get_layer("recurrent")
    assert [v.name for v in layer.weights] == ["kernel", "recurrent_kernel", "bias"]
    assert [v.shape for v in layer.states] == [(ROWS, 3)] * 2
    assert {id(v) for v in layer.states} <= {id(v) for v in ours.non_trainable_variables}
    assert ours.count_params() == sum(w.size for w in ours.get_weights())


def test_a_stack_a_bidirectional_layer_and_one_without_input_remember_too():
    stack = pw.layers.RNN([pw.layers.LSTMCell(3), pw.layers.GRUCell(2)], stateful=True)
    both = pw.layers.Bidirectional(pw.layers.GRU(2, stateful=True))
    for layer in (stack, both):
        first, second = layer(X[:ROWS]), layer(X[:ROWS])
        assert not np.allclose(first, second)
        layer.reset_state()
        np.testing.assert_array_equal(layer(X[:ROWS]), first)
    late = pw.Sequential([pw.layers.GRU(3, stateful=True, name="g"), pw.layers.Dense(1)])
    late.compile("sgd", "mse")
    late.fit(X[:6], Y[:6], batch_size=3, shuffle=False, verbose=0)
    assert late.get_layer("g").states[0].shape == (3, 3)


def test_a_batch_of_nine_is_not_filled_up():
    nine = pw.Sequential([pw.layers.SimpleRNN(2, stateful=True), pw.layers.Dense(1)])
    nine.compile("sgd", "mse")
    x, y = inputs_of((9, TIME, FEATURES)), np.zeros((9, 1), "float32")
    nine.train_on_batch(x, y)
    nine.test_on_batch(x, y)
    assert nine.predict_on_batch(x).shape == (9, 1)


def test_nothing_is_remembered_of_validation_that_was_reset(ours):
    ours.get_layer("recurrent").reset_state()
    assert all((state == 0).all() for state in states(ours))


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.predict(X, verbose=0),
        lambda m: m.predict(X[:6], batch_size=ROWS, verbose=0),
        lambda m: m(X[:6]),
        lambda m: m.evaluate(X[:6], Y[:6], batch_size=ROWS, verbose=0),
        lambda m: m.fit(X[:6], Y[:6], batch_size=ROWS, verbose=0),
        lambda m: m.train_on_batch(X[:3], Y[:3]),
        lambda m: m.test_on_batch(X[:5], Y[:5]),
        lambda m: m.predict_on_batch(X[:1]),
    ],
)
def test_another_batch_size_is_refused_in_every_task(ours, call):
    weights = ours.get_weights()
    with pytest.raises(
        ValueError, match=r"'recurrent' is stateful for batches of 4 rows.*batch of \d+. Pass batch_size=4"
    ):
        call(ours)
    ours.set_weights(weights)


def test_the_batch_size_must_be_known():
    with pytest.raises(ValueError, match="LSTM 'l' is stateful, so that its batch size must be known"):
        pw.layers.LSTM(2, stateful=True, name="l")(pw.Input((3, 2)))


def test_a_layer_cannot_come_to_be_stateful_later(ours):
    with pytest.raises(AttributeError, match="stateful of LSTM 'recurrent' cannot be set any more"):
        ours.get_layer("recurrent").stateful = False


def test_states_of_a_bidirectional_layer_that_has_none_cannot_be_reset():
    with pytest.raises(AttributeError, match="has no states to reset: its layers are not stateful"):
        pw.layers.Bidirectional(pw.layers.GRU(2)).reset_states()


def test_recalibration_goes_on_from_batch_to_batch_and_leaves_the_states_as_they_were():
    recurrent = pw.layers.LSTM(3, stateful=True, return_sequences=True)
    norm = pw.layers.BatchNormalization()
    made = pw.Sequential([pw.Input(batch_shape=(ROWS, TIME, FEATURES)), recurrent, norm])
    pw.recalibrate(made, X, batch_size=ROWS)
    assert all((np.asarray(v.value) == 0).all() for v in recurrent.states)
    plain = pw.layers.LSTM(3, return_sequences=True)
    plain(WHOLE)
    plain.set_weights(recurrent.get_weights())
    seen = np.asarray(plain(WHOLE))
    np.testing.assert_allclose(norm.moving_mean.numpy(), seen.mean((0, 1)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance.numpy(), seen.var((0, 1)), rtol=1e-3, atol=1e-6)
