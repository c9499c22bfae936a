"""recalibrate: the exact population statistics, however the data are cut."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise import layers

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(90, 3)) * [1, 2, 30] + [5, 0, 3000]).astype("float32")


def build(**batch_normalization):
    """Two batch normalizations with a hidden layer between them."""
    pw.set_random_seed(3)
    x = pw.Input((3,))
    h = layers.BatchNormalization(name="first", **batch_normalization)(x)
    h = layers.Dense(4, activation="tanh", name="hidden")(h)
    h = layers.Dropout(0.5)(layers.BatchNormalization(name="second", **batch_normalization)(h))
    return pw.Model(x, layers.Dense(1)(h))


@pytest.fixture(scope="module")
def model():
    return build()


def fresh(model):
    """The shared model with its first weights, so that its programs are compiled once."""
    model.set_weights(build().get_weights())
    return model


def forward(model, x, statistics):
    """float64: the inputs of both layers, when the first normalizes with these (mean, variance)."""
    x = x.astype(np.float64)
    mean, variance = statistics(x)
    kernel, bias = (w.astype(np.float64) for w in model.get_layer("hidden").get_weights())
    return x, np.tanh((x - mean) / np.sqrt(variance + 1e-3) @ kernel + bias)


def population(x):
    return x.mean(0), x.var(0)


def assert_statistics(layer, x, rtol=2e-5):
    mean, variance = population(x)
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean, rtol=rtol, atol=rtol * np.sqrt(variance).max())
    np.testing.assert_allclose(layer.moving_variance.numpy(), variance, rtol=5 * rtol)


def test_layerwise_gives_each_layer_the_population_of_what_predict_feeds_it(model):
    pw.recalibrate(fresh(model), X, batch_size=32, verbose=0)
    first, second = forward(model, X, population)
    assert_statistics(model.get_layer("first"), first)
    assert_statistics(model.get_layer("second"), second)


def test_precise_lets_batch_statistics_flow_forward(model):
    pw.recalibrate(fresh(model), X, batch_size=30, method="precise", verbose=0)
    hidden = [forward(model, X[i : i + 30], population)[1] for i in (0, 30, 60)]
    assert_statistics(model.get_layer("first"), X.astype(np.float64))
    assert_statistics(model.get_layer("second"), np.concatenate(hidden))


@settings(max_examples=8, deadline=None)
@given(sizes=st.lists(st.sampled_from([1, 17, 40]), min_size=1, max_size=8), streamed=st.booleans())
def test_the_result_does_not_depend_on_how_the_data_are_cut(model, sizes, streamed):
    borders = np.minimum(np.cumsum([0, *sizes, 90]), 90)
    batches = [X[a:b] for a, b in itertools.pairwise(borders) if b > a]
    found = []
    for data in (X, pw.Dataset.from_generator(lambda: iter(batches)) if streamed else iter(batches)):
        pw.recalibrate(fresh(model), data, batch_size=90 if data is X else None, verbose=0, method="precise")
        found.append(model.get_layer("first").get_weights()[2:])
    (mean, variance), (other_mean, other_variance) = found
    assert (np.abs(mean - other_mean) <= 1e-6 * np.sqrt(variance) + np.spacing(np.abs(mean))).all()
    np.testing.assert_allclose(variance, other_variance, rtol=2e-6)


def test_layerwise_does_not_depend_on_the_batch_size(model):
    found = []
    for size in (7, 32, 90):
        pw.recalibrate(fresh(model), X, batch_size=size, verbose=0)
        found.append(model.get_weights())
    for other in found[1:]:
        for a, b in zip(found[0], other):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_report_has_a_row_for_each_layer(model):
    changes = pw.recalibrate(fresh(model), X, verbose=0)
    assert [change.layer for change in changes] == ["first", "second"]
    first = changes["first"]
    assert first.values == 90
    np.testing.assert_allclose(first.mean, X.astype(np.float64).mean(0), rtol=1e-6)
    wanted = np.abs(first.mean) / np.sqrt(first.variance + 1e-3)
    np.testing.assert_allclose(first.mean_shift, (wanted.mean(), wanted.max()), rtol=1e-4)
    assert "second" in str(changes)
    assert changes.to_dict()[0]["layer"] == "first"
    with pytest.raises(KeyError, match="No layer called 'third'"):
        changes["third"]


def test_a_second_recalibration_changes_nothing_to_speak_of(model):
    pw.recalibrate(fresh(model), X, verbose=0)
    again = pw.recalibrate(model, X, verbose=0)
    assert max(change.mean_shift[1] for change in again) < 1e-5


def test_gamma_beta_and_other_weights_stay(model):
    before = fresh(model).get_weights()
    pw.recalibrate(model, X, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights())]
    assert [w.name for w, c in zip(model.weights, changed) if c] == ["moving_mean", "moving_variance"] * 2


def test_frozen_layers_keep_their_statistics():
    made = build()
    made.get_layer("first").trainable = False
    before = made.get_layer("first").get_weights()
    changes = pw.recalibrate(made, X, verbose=0)
    assert [change.layer for change in changes] == ["second"]
    for a, b in zip(before, made.get_layer("first").get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_failure_in_the_last_pass_leaves_the_model_unchanged(model):
    before, passes = fresh(model).get_weights(), []

    def batches():
        passes.append(1)
        yield X[:32]
        if len(passes) == 2:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        pw.recalibrate(model, pw.Dataset.from_generator(batches), verbose=0)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("options", [{"renorm": True}, {"virtual_batch_size": 8}], ids=str)
def test_every_kind_of_batch_normalization_is_recalibrated(options):
    made = build(**options)
    pw.recalibrate(made, X, verbose=0)
    first, second = forward(made, X, population)
    assert_statistics(made.get_layer("first"), first)
    assert_statistics(made.get_layer("second"), second)


def test_layers_that_train_in_predict_are_recalibrated_too():
    x = pw.Input((3,))
    made = pw.Model(x, layers.BatchNormalization(name="pinned", virtual_batch_size=10)(x, training=True))
    pw.recalibrate(made, X, batch_size=30, verbose=0)
    assert_statistics(made.get_layer("pinned"), X.astype(np.float64))


def test_a_layer_called_twice_gets_the_population_of_both_calls():
    shared = layers.BatchNormalization(name="shared")
    a, b = pw.Input((3,)), pw.Input((3,))
    made = pw.Model([a, b], layers.Add()([shared(a), shared(b)]))
    other = X * 2 + 1
    changes = pw.recalibrate(made, [X, other], verbose=0)
    assert changes[0].values == 180
    assert_statistics(shared, np.concatenate([X, other]).astype(np.float64))


def test_neither_the_learning_phase_nor_a_statistics_scope_disturbs_it(model):
    pw.recalibrate(fresh(model), X, verbose=0)
    wanted = model.get_weights()
    with pw.learning_phase_scope("training"), pw.statistics("batch"):
        pw.recalibrate(fresh(model), X, verbose=0)
    for a, b in zip(wanted, model.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_an_endless_plan_takes_steps(model):
    plan = pw.Dataset.from_tensor_slices(X).repeat().batch(30)
    pw.recalibrate(fresh(model), plan, steps=3, method="precise", verbose=0)
    assert_statistics(model.get_layer("first"), X.astype(np.float64))
    with pytest.raises(ValueError, match="`steps` must say how many batches"):
        pw.recalibrate(model, plan, verbose=0)


def test_masked_positions_do_not_count():
    class Masks(layers.Layer):
        def compute_mask(self, inputs, previous_mask):
            return inputs[..., 0] < 3010

        def call(self, inputs):
            return inputs

    x = pw.Input((5, 3))
    made = pw.Model(x, layers.BatchNormalization(name="bn")(Masks()(x)))
    steps = X.reshape(18, 5, 3)[..., ::-1].copy()
    pw.recalibrate(made, steps, verbose=0)
    assert_statistics(made.get_layer("bn"), steps[steps[..., 0] < 3010].astype(np.float64))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: pw.recalibrate(m, X, method="exact"), "method is 'layerwise' or 'precise'; got 'exact'"),
        (lambda m: pw.recalibrate(m, X[:, :2], verbose=0), r"expects shape \(None, 3\)"),
        (lambda m: pw.recalibrate(m, X[:0], verbose=0), "is empty"),
        (lambda m: pw.recalibrate(m.get_layer("hidden"), X), "takes a model; got <Dense name=hidden"),
    ],
)
def test_a_mistake_is_explained(model, call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call(model)


def test_a_model_without_batch_normalization_says_so():
    x = pw.Input((3,))
    with pytest.raises(ValueError, match="no batch normalization layer to recalibrate"):
        pw.recalibrate(pw.Model(x, layers.Dense(1)(x)), X, verbose=0)
    made = build()
    made.trainable = False
    with pytest.raises(ValueError, match=r"Its 2 are frozen: set layer\.trainable = True"):
        pw.recalibrate(made, X, verbose=0)


@pytest.mark.parametrize("method", ["layerwise", "precise"])
def test_data_that_are_not_finite_change_nothing(model, method):
    model = fresh(model)
    before = model.get_weights()
    holed = X.copy()
    holed[7, 1] = np.nan
    with pytest.raises(ValueError, match="'first' would get a mean or variance that is NaN or infinite"):
        pw.recalibrate(model, holed, method=method, verbose=0)
    for old, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)
