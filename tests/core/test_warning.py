"""Warnings: told at the user's own line, and each kind silenced by itself."""

import linecache
import warnings

import numpy as np
import pytest

import phasewise as pw
from phasewise import warning
from phasewise.layers import BatchNormalization, Dense
from phasewise.losses import CategoricalCrossentropy
from phasewise.shift.adaptation.method import Method

X, Y = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32), np.ones((8, 1), np.float32)


def model(activation=None):
    net = pw.Sequential([pw.Input((4,)), BatchNormalization(name="bn"), Dense(1, activation=activation)])
    net.compile("sgd", "mse")
    return net


def see_nan(net):
    net.predict(X * np.nan, verbose=0)


def train_on_one_row(net):
    net.train_on_batch(X[:1], Y[:1])


def run_out_of_data(net):
    net.fit(pw.Dataset.from_tensor_slices((X, Y)).batch(4), steps_per_epoch=5, verbose=0)


def stop_too_early(net):
    net.fit(X + 100, Y, epochs=2, verbose=0)


def predict_untrained(net):
    net.predict(X, verbose=0)


def train_in_inference(net):
    with pw.learning_phase_scope("inference"):
        net.fit(X, Y, verbose=0)


def train_what_is_frozen(net):
    net.trainable = False
    net.fit(X, Y, verbose=0)


def leave_out_what_is_not_there(net):
    net.compile(pw.optimizers.SGD(weight_decay=0.1), "mse")
    net.optimizer.exclude_from_weight_decay(var_names=["biass"])
    net.train_on_batch(X, Y)


def give_an_unknown_key(net):
    net.predict({net.inputs[0].name: X, "age": X}, verbose=0)


def take_logits_for_probabilities(net):
    net.compile("sgd", "binary_crossentropy")
    net.evaluate(X, Y, verbose=0)


def evaluate_another_class(net):
    net.compile("sgd", "binary_crossentropy")
    net.fit(X, Y, verbose=0)
    net.evaluate(X, 1 - Y, verbose=0)


def lose_a_mask(net):
    net = pw.Sequential([pw.layers.Masking(), pw.layers.Flatten()])
    net.predict(np.ones((1, 2, 3)), verbose=0)


def predict_what_has_shifted(net):
    with pw.Monitor(net):
        net.predict(np.tile(X, (32, 1)) + 9, verbose=0)


class OneClass(Method):
    """An adaptation that says class 0 of every row."""

    name = "one class"

    def predict(self, x):
        return np.eye(2, dtype="float32")[np.zeros(len(x), int)]


def adapt_for_the_worse(net):
    net = pw.Sequential([pw.Input((4,)), BatchNormalization(), Dense(2, activation="softmax")])
    net = pw.adapt(net, None, OneClass())
    for _ in range(8):
        net.predict(X)


SURPRISES = {
    warning.NonFiniteWarning: see_nan,
    warning.SmallBatchWarning: train_on_one_row,
    warning.DataEndedWarning: run_out_of_data,
    warning.LaggingStatisticsWarning: stop_too_early,
    warning.InitialStatisticsWarning: predict_untrained,
    warning.PinnedPhaseWarning: train_in_inference,
    warning.NothingTrainsWarning: train_what_is_frozen,
    warning.NoEffectWarning: leave_out_what_is_not_there,
    warning.StructureWarning: give_an_unknown_key,
    warning.LogitsWarning: take_logits_for_probabilities,
    warning.UnseenClassWarning: evaluate_another_class,
    warning.LostMaskWarning: lose_a_mask,
    warning.ShiftWarning: predict_what_has_shifted,
    warning.CollapseWarning: adapt_for_the_worse,
}


def told(call, *ignored):
    """The warnings of `call`, without those ignored."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for category in ignored:
            warnings.filterwarnings("ignore", category=category)
        call()
    return caught


def test_every_category_is_a_user_warning_of_phasewise_and_is_tried_here():
    assert issubclass(warning.PhasewiseWarning, UserWarning)
    of_the_installation = {warning.NativeKernelsWarning}  # once in a process: tried where the libraries are
    assert set(warning.PhasewiseWarning.__subclasses__()) == set(SURPRISES) | of_the_installation


@pytest.mark.few(7)
@pytest.mark.parametrize("category", SURPRISES)
def test_a_warning_points_at_the_line_that_called_and_is_given_once(category):
    (given,) = [w for w in told(lambda: SURPRISES[category](model())) if w.category is category]
    assert given.filename == __file__
    assert linecache.getline(__file__, given.lineno).strip().startswith("net.")


@pytest.mark.parametrize("category", SURPRISES)
@pytest.mark.few(2)
def test_ignoring_one_category_silences_it_and_no_other(category):
    def kinds(*ignored):
        return [w.category for w in told(lambda: SURPRISES[category](model()), *ignored)]

    everything = kinds()
    assert kinds(category) == [kind for kind in everything if kind is not category]
    assert kinds(*(other for other in SURPRISES if other is not category)) == [category]
    assert kinds(warning.PhasewiseWarning) == []


@pytest.mark.parametrize("category", SURPRISES)
def test_a_warning_made_an_error_is_raised(category):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", category)
        with pytest.raises(category):
            SURPRISES[category](model())


def test_a_warning_given_while_a_model_is_traced_points_at_the_users_line_and_not_into_jax():
    def call():
        model("softmax").predict(X, verbose=0)

    caught = told(call)
    assert caught
    lines = {linecache.getline(w.filename, w.lineno).strip() for w in caught}
    assert lines == {'model("softmax").predict(X, verbose=0)'}


def test_a_warning_given_in_a_layer_of_the_user_points_into_that_layer():
    class Certain(pw.Layer):
        def call(self, x):
            return pw.activations.softmax(x[:, :1])  # here

    caught = told(lambda: pw.Sequential([Certain()]).predict(X, verbose=0))
    assert caught
    assert {linecache.getline(w.filename, w.lineno).strip() for w in caught} == {
        "return pw.activations.softmax(x[:, :1])  # here"
    }


def test_a_loss_that_says_nothing_points_at_the_line_that_fits():
    net = model("sigmoid")
    net.compile("sgd", CategoricalCrossentropy())

    def call():
        net.fit(X, Y, verbose=0)

    caught = told(call)
    assert caught
    assert {linecache.getline(w.filename, w.lineno).strip() for w in caught} == {"net.fit(X, Y, verbose=0)"}
