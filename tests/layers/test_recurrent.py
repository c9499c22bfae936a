"""Recurrent layers against Keras beyond the table: states, masks, steps whose number is not known, configs, half precision."""

import inspect

import keras
import numpy as np
import pytest

import phasewise as pw
from parity import arguments, check_layer, close, inputs_of, share_weights

pytestmark = pytest.mark.extensive

BATCH, TIME, FEATURES, UNITS = 4, 5, 2, 3
X = inputs_of((BATCH, TIME, FEATURES))
MASK = np.array([[1, 1, 0, 1, 1], [0, 0, 1, 1, 0], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]], bool)
KINDS = ["SimpleRNN", "LSTM", "GRU"]
STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}
every_kind = pytest.mark.parametrize("kind", KINDS)


def pair(kind, **arguments):
    return [getattr(library.layers, kind)(UNITS, **arguments) for library in (pw, keras)]


@every_kind
@pytest.mark.parametrize("flags", [{}, {"return_sequences": True}, {"return_sequences": True, "go_backwards": True}])
def test_outputs_states_and_gradients_with_a_mask_agree_with_keras(kind, flags):
    check_layer(*pair(kind, return_state=True, **flags), X, mask=MASK)


@every_kind
def test_masked_steps_repeat_the_output_or_give_zero(kind):
    layer = getattr(pw.layers, kind)(UNITS, return_sequences=True)
    y = np.asarray(layer(X, mask=MASK))
    np.testing.assert_array_equal(y[0, 2], y[0, 1])
    np.testing.assert_array_equal(y[3], 0)  # nothing counts: the state stays as it began
    layer.zero_output_for_mask = True
    zeroed = np.asarray(layer(X, mask=MASK))
    np.testing.assert_array_equal(zeroed, y * MASK[..., None])
    check_layer(*pair(kind, return_sequences=True, zero_output_for_mask=True), X, mask=MASK)


@every_kind
def test_the_last_output_is_held_whatever_zero_output_for_mask_says(kind):
    layer = getattr(pw.layers, kind)(UNITS, zero_output_for_mask=True)
    whole = getattr(pw.layers, kind)(UNITS, return_sequences=True)
    whole(X)
    layer(X)
    whole.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer(X, mask=MASK), np.asarray(whole(X, mask=MASK))[:, -1])


@every_kind
@pytest.mark.parametrize("mask", [None, MASK])
def test_a_loop_that_is_written_out_gives_the_same_numbers(kind, mask):
    loop, unrolled = (getattr(pw.layers, kind)(UNITS, unroll=unroll, return_sequences=True) for unroll in (False, True))
    y = loop(X, mask=mask)
    unrolled(X)
    unrolled.set_weights(loop.get_weights())
    np.testing.assert_allclose(unrolled(X, mask=mask), y, rtol=1e-6, atol=1e-7)


@every_kind
def test_a_masked_step_is_as_if_it_were_not_there(kind):
    layer = getattr(pw.layers, kind)(UNITS, return_state=True)
    kept = np.array([0, 1, 3])
    mask = np.isin(np.arange(TIME), kept)[None].repeat(BATCH, 0)
    close(layer(X, mask=mask), layer(X[:, kept]), rtol=1e-6)


def test_a_mask_with_an_axis_of_features_counts_where_any_does():
    layer = pw.layers.GRU(UNITS)
    by_feature = np.stack([MASK, np.zeros_like(MASK)], -1)
    np.testing.assert_array_equal(layer(X, mask=by_feature), layer(X, mask=MASK))


@every_kind
def test_an_initial_state_is_taken_as_arrays(kind):
    ours, theirs = pair(kind, return_state=True)
    states = [inputs_of((BATCH, UNITS), seed) for seed in range(STATES[kind])]
    check_layer(ours, theirs, X, initial_state=states)
    if STATES[kind] == 1:
        close(ours(X, initial_state=states[0]), ours(X, initial_state=states))


@every_kind
def test_an_encoders_state_goes_into_a_decoder_by_symbolic_tensors(kind):
    models = []
    for library in (pw, keras):
        source, target = library.Input((None, FEATURES)), library.Input((None, FEATURES))
        make = getattr(library.layers, kind)
        _, *states = make(UNITS, return_state=True)(source)
        models.append(library.Model([source, target], make(UNITS, return_sequences=True)(target, initial_state=states)))
    assert models[0].output_shape == (None, None, UNITS)
    share_weights(*models)
    close(models[0]([X, X[:, ::-1]]), models[1]([X, X[:, ::-1]]), rtol=1e-5)
    close(models[0].predict([X, X[:, ::-1]], verbose=0), models[1]([X, X[:, ::-1]]), rtol=1e-5)


@every_kind
def test_shapes_are_known_before_anything_runs_and_time_stays_unknown(kind):
    layer = getattr(pw.layers, kind)(UNITS, return_sequences=True, return_state=True)
    output, *states = layer(pw.Input((None, FEATURES)))
    assert output.shape == (None, None, UNITS)
    assert [state.shape for state in states] == [(None, UNITS)] * STATES[kind]
    assert layer.compute_output_shape((7, TIME, FEATURES))[0] == (7, TIME, UNITS)


@every_kind
def test_arguments_are_those_of_keras(kind):
    for name in (kind, f"{kind}Cell"):
        ours, theirs = (getattr(library.layers, name).__init__ for library in (pw, keras))
        of_ours = arguments(ours)
        assert [argument for argument in of_ours if not argument[0].startswith("normalization")] == arguments(theirs)
        added = [argument for argument in of_ours if argument[0].startswith("normalization")]
        assert len(added) == 4
        assert {argument[1] for argument in added} == {inspect.Parameter.KEYWORD_ONLY}


@every_kind
def test_weights_have_the_names_shapes_and_order_of_keras(kind):
    ours, theirs = pair(kind)
    ours(X)
    theirs(X)
    assert [(w.name, w.shape) for w in ours.weights] == [(w.name, w.shape) for w in theirs.weights]
    assert [w.path for w in ours.weights] == [w.path.replace(theirs.name, ours.name) for w in theirs.weights]


def test_the_bias_of_the_forget_gate_begins_at_one():
    (layer, other) = (pw.layers.LSTM(2, unit_forget_bias=forget) for forget in (True, False))
    layer(X)
    other(X)
    np.testing.assert_array_equal(layer.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(other.get_weights()[2], np.zeros(8))


@every_kind
def test_the_layer_shows_its_cells_arguments_and_sets_them_there(kind):
    layer = getattr(pw.layers, kind)(UNITS, dropout=0.1)
    assert (layer.units, layer.dropout) == (UNITS, 0.1)
    layer(X)
    layer.dropout, layer.recurrent_regularizer = 0.5, "l2"
    assert layer.cell.dropout == 0.5
    assert layer.weights[1].regularizer is layer.recurrent_regularizer is not None
    with pytest.raises(AttributeError, match=r"units of .* cannot be set any more"):
        layer.units = 7


@every_kind
@pytest.mark.parametrize("cell", ["", "Cell"])
def test_configs_go_both_ways(kind, cell):
    given = {
        "units": 3,
        "dropout": 0.1,
        "recurrent_dropout": 0.2,
        "kernel_regularizer": "l2",
        "bias_constraint": "non_neg",
    }
    ours, theirs = (getattr(library.layers, kind + cell)(**given, name="it") for library in (pw, keras))
    from_theirs, from_ours = type(ours).from_config(theirs.get_config()), type(theirs).from_config(ours.get_config())
    assert from_theirs.get_config() == ours.get_config()
    assert from_ours.get_config() == theirs.get_config()


@every_kind
def test_half_precision_is_near_and_keeps_its_state_in_single(kind):
    full = getattr(pw.layers, kind)(UNITS, return_sequences=True)
    half = getattr(pw.layers, kind)(UNITS, return_sequences=True, dtype="mixed_bfloat16")
    x = inputs_of((BATCH, 40, FEATURES))
    y = full(x)
    assert half(x).dtype == "bfloat16"
    assert half.weights[0].dtype == "float32"
    half.set_weights(full.get_weights())
    np.testing.assert_allclose(np.asarray(half(x), np.float32), y, rtol=2e-2, atol=2e-2)


def test_a_users_activation_is_followed_through_the_gradient():
    def bend(x):
        return x / (1 + x * x)

    ours, theirs = (library.layers.LSTM(UNITS, activation=bend) for library in (pw, keras))
    check_layer(ours, theirs, X, mask=MASK)


def test_a_fit_follows_keras_step_by_step():
    y = inputs_of((BATCH, 1), 3)
    fitted = []
    for library in (pw, keras):
        model = library.Sequential(
            [
                library.Input((TIME, FEATURES)),
                library.layers.LSTM(UNITS, return_sequences=True),
                library.layers.GRU(UNITS),
                library.layers.Dense(1),
            ]
        )
        share_weights(model, model)
        model.compile(library.optimizers.SGD(0.1), "mse")
        losses = model.fit(X, y, batch_size=2, epochs=3, shuffle=False, verbose=0).history["loss"]
        fitted.append((losses, model.get_weights()))
    close(fitted[0], fitted[1], rtol=1e-4, atol=1e-5)


def test_sequences_without_steps_give_the_state_that_they_began_with():
    layer = pw.layers.LSTM(UNITS, return_state=True)
    states = [np.full((BATCH, UNITS), value, "float32") for value in (0.5, 0.25)]
    close(layer(X[:, :0], initial_state=states), [states[0], *states], rtol=0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: pw.layers.LSTM(0), "LSTM's units must be a positive integer; got 0"),
        (lambda: pw.layers.LSTM("8"), "LSTM's units must be a positive integer; got '8'"),
        (lambda: pw.layers.LSTMCell("8"), "LSTMCell's units must be a positive integer; got '8'"),
        (lambda: pw.layers.LSTM(8, unit_forget_bias=3), "LSTM's unit_forget_bias is True or False; got 3"),
        (lambda: pw.layers.GRU(2, dropout=1.5), r"GRU's dropout is the fraction to drop, in \[0, 1\]; got 1.5"),
        (lambda: pw.layers.GRU(2, recurrent_dropout=-1), r"GRU's recurrent_dropout is the fraction .*; got -1"),
        (lambda: pw.layers.GRU(2, reset_after="no"), "GRU's reset_after is True or False; got 'no'"),
        (lambda: pw.layers.LSTM(2, implementation=3), "LSTM's implementation is one of 1, 2; got 3"),
        (lambda: pw.layers.LSTM(2, return_state="no"), "LSTM's return_state is True or False; got 'no'"),
        (lambda: pw.layers.LSTM(2, use_cudnn=True), "use_cudnn=True, and no cuDNN is used here"),
        (lambda: pw.layers.LSTM(2, use_cudnn="yes"), "use_cudnn is one of 'auto', False; got 'yes'"),
        (lambda: pw.layers.LSTM(2, name="l")(np.ones((2, 3))), r"'l' \(LSTM\) expects an input with 3 axes"),
        (
            lambda: pw.layers.LSTM(2, name="l")(pw.Input((3, None))),
            r"LSTM 'l' needs a known last axis; its input has shape \(None, None\)",
        ),
        (
            lambda: pw.layers.LSTM(2, name="l")(X, mask=MASK[:, :3]),
            r"'l' .* mask of shape \(4, 3\) for an input of shape \(4, 5, 2\)",
        ),
        (
            lambda: pw.layers.LSTM(2, name="l")(X, mask=MASK[:, 0]),
            r"LSTM 'l' takes a mask of shape \(batch, time\), here \(4, 5\); it was given one of shape \(4,\)",
        ),
        (
            lambda: pw.layers.LSTM(2, name="l")(X, initial_state=[np.zeros((4, 2), "float32")]),
            r"LSTM 'l' takes 2 initial states of shape \(4, 2\), \(4, 2\); it was given 1 of shape \(4, 2\)",
        ),
        (
            lambda: pw.layers.GRU(2, name="g")(X, initial_state=np.zeros((4, 3), "float32")),
            r"GRU 'g' takes 1 initial state of shape \(4, 2\); it was given 1 of shape \(4, 3\)",
        ),
        (
            lambda: pw.layers.GRU(2, name="g", unroll=True)(pw.Input((None, 2))),
            r"GRU 'g' has unroll=True, which needs a known number of steps; its input has shape \(None, None, 2\)",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: pw.layers.LSTM(2, name="outer"),
        lambda: pw.layers.RNN([pw.layers.GRUCell(2), pw.layers.GRUCell(2)], name="outer"),
        lambda: pw.layers.Bidirectional(pw.layers.GRU(2), name="outer"),
        lambda: pw.layers.TimeDistributed(pw.layers.Dense(2), name="outer"),
        lambda: pw.layers.SpectralNormalization(pw.layers.Dense(2), name="outer"),
    ],
)
def test_a_layer_around_others_can_be_built_by_hand(make):
    built, called = make(), make()
    built.build((BATCH, TIME, FEATURES))
    called(X)
    assert [w.shape for w in built.weights] == [w.shape for w in called.weights]
    assert all(w.path.startswith("outer/") for w in built.weights + called.weights)


def test_a_subclass_may_name_its_input_as_it_likes():
    class Doubled(pw.layers.LSTM):
        def call(self, inputs, **kwargs):
            return 2 * super().call(inputs, **kwargs)

    plain, doubled = pw.layers.LSTM(UNITS), Doubled(UNITS)
    y = plain(X)
    doubled(X)
    doubled.set_weights(plain.get_weights())
    np.testing.assert_allclose(doubled(X), 2 * np.asarray(y), rtol=1e-6)
