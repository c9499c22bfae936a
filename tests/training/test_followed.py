"""What a traced function reads is followed: a variable from anywhere, and an attribute, as they are at the call."""

import copy
import gc

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers, ops
from phasewise.training import run

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


class Hooks(pw.callbacks.Callback):
    """Calls a function with the number of the batch or epoch at some hooks."""

    def __init__(self, **hooks):
        super().__init__()
        for name, function in hooks.items():
            setattr(self, name, lambda number, logs=None, f=function: f(number))


def linear(loss="mse", **options):
    model = pw.Sequential([pw.Input((4,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(pw.optimizers.SGD(0.0), loss, **options)
    return model


def squared(true, predicted):
    return ops.mean((predicted - true) ** 2, -1)


MSE = float(np.mean(Y.astype("float64") ** 2))


# -- variables


def test_a_variable_in_a_loss_takes_effect_at_the_next_epoch_step_and_evaluation():
    k = pw.Variable(0.0)
    model = linear(lambda true, predicted: k * squared(true, predicted))
    annealing = Hooks(on_epoch_begin=lambda epoch: k.assign(float(epoch)))
    losses = model.fit(X, Y, epochs=3, verbose=0, callbacks=[annealing]).history["loss"]
    np.testing.assert_allclose(losses, [0, MSE, 2 * MSE], rtol=1e-5)
    k.assign(3.0)
    found = model.evaluate(X, Y, verbose=0), model.test_on_batch(X, Y), model.train_on_batch(X, Y)
    np.testing.assert_allclose(found, [3 * MSE] * 3, rtol=1e-5)


def test_a_variable_that_changes_with_each_batch_compiles_nothing_anew():
    k = pw.Variable(0.0)
    traced, seen = [], []

    def loss(true, predicted):
        traced.append(1)
        return k * squared(true, predicted)

    model = linear(loss)
    hooks = Hooks(on_train_batch_begin=lambda batch: k.assign(float(batch)))
    hooks.on_train_batch_end = lambda batch, logs=None: seen.append(logs["loss"] * (batch + 1))
    model.fit(X, Y, batch_size=6, verbose=0, shuffle=False, callbacks=[hooks])
    per_batch = np.mean(Y.reshape(4, 6) ** 2, 1) * np.arange(4)
    np.testing.assert_allclose(seen, np.cumsum(per_batch), rtol=1e-5)
    count = len(traced)
    k.assign(7.0)
    np.testing.assert_allclose(model.fit(X, Y, batch_size=6, verbose=0).history["loss"], [7 * MSE], rtol=1e-5)
    assert len(traced) == count


def test_a_variable_as_a_weight_of_a_loss():
    k = pw.Variable(1.0)
    model = linear(loss_weights=[k])
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), MSE, rtol=1e-5)
    k.assign(0.5)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), MSE / 2, rtol=1e-5)
    np.testing.assert_allclose(model.train_on_batch(X, Y), MSE / 2, rtol=1e-5)


def test_a_variable_in_metrics_regularizers_constraints_and_schedules():
    k, limit, rate = pw.Variable(1.0), pw.Variable(1.0), pw.Variable(0.0)
    model = pw.Sequential(
        [
            pw.Input((4,)),
            layers.Dense(
                1,
                kernel_initializer="ones",
                kernel_regularizer=lambda w: k * ops.sum(w),
                kernel_constraint=lambda w: ops.minimum(w, limit.value),
            ),
        ]
    )
    metric = pw.metrics.MeanMetricWrapper(lambda true, predicted: k * ops.ones_like(true), name="k")
    model.compile(pw.optimizers.SGD(lambda step: rate * 1.0), lambda true, predicted: 0 * predicted, metrics=[metric])
    assert model.train_on_batch(X, Y, return_dict=True) == {"loss": 4, "k": 1}
    k.assign(2.0)
    assert model.train_on_batch(X, Y, return_dict=True) == {"loss": 8, "k": 2}
    limit.assign(0.5)
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), np.full((4, 1), 0.5, "float32"))
    rate.assign(0.25)  # the gradient of the penalty is 2
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), np.zeros((4, 1), "float32"))


@pytest.mark.parametrize("read", [float, bool, lambda k: k.numpy()], ids=["float", "bool", "numpy"])
def test_a_number_of_pythons_made_from_such_a_variable_is_refused_since_it_would_stay(read):
    k = pw.Variable(1.0, name="strength")
    model = linear(lambda true, predicted: read(k) * squared(true, predicted))
    with pytest.raises(TypeError) as caught:
        model.evaluate(X, Y, verbose=0)
    assert "'strength'), whose values may change from call to call" in "".join(caught.value.__notes__)


class Reading(layers.Layer):
    """Multiplies by what a function returns."""

    def __init__(self, factor):
        super().__init__()
        self._factor = factor

    def call(self, x):
        return x * self._factor()


WAYS = {
    "predict": lambda model: model.predict(X, verbose=0),
    "predict_on_batch": lambda model: model.predict_on_batch(X),
    "call": lambda model: np.asarray(model(X)),
    "call in training": lambda model: np.asarray(model(X, training=True)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_variable_that_a_layer_closes_over_and_one_of_another_model(way):
    other = linear()
    other.layers[0].bias.assign([3.0])
    model = pw.Sequential([pw.Input((4,)), Reading(lambda: other.layers[0].bias.value)])
    np.testing.assert_array_equal(WAYS[way](model), 3 * X)
    other.layers[0].bias.assign([5.0])
    np.testing.assert_array_equal(WAYS[way](model), 5 * X)


def test_a_model_that_a_loss_calls_is_followed_and_not_trained():
    teacher = pw.Sequential([pw.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
    model = linear(lambda true, predicted: squared(teacher(true), predicted))
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), 0, atol=1e-6)
    teacher.layers[0].kernel.assign([[1.0]])
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), MSE, rtol=1e-5)
    np.testing.assert_allclose(model.train_on_batch(X, Y), MSE, rtol=1e-5)
    assert float(teacher.layers[0].kernel[0, 0]) == 1


def test_a_loss_that_reads_the_models_own_weights_has_their_gradient():
    model = pw.Sequential([pw.Input((4,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(pw.optimizers.SGD(0.25), lambda t, p: 0 * squared(t, p) + ops.sum(model.layers[0].kernel.value ** 2))
    losses = [model.train_on_batch(X, Y) for _ in range(2)]
    np.testing.assert_allclose(losses, [4, 1], rtol=1e-6)  # w - w * 2 * 0.25


def test_what_a_traced_function_assigns_to_such_a_variable_is_kept():
    count = pw.Variable(0.0)

    def loss(true, predicted):
        count.assign_add(1.0)
        return squared(true, predicted)

    linear(loss).fit(X, Y, batch_size=6, epochs=2, verbose=0)
    assert float(count) == 8


@pytest.mark.parametrize("on_nonfinite", ["raise", "ignore", "skip"])
def test_variables_are_followed_where_the_state_is_written_in_place(on_nonfinite, monkeypatch):
    monkeypatch.setattr(run, "IN_PLACE_BYTES", 0)
    k, count = pw.Variable(0.0), pw.Variable(0.0)

    def loss(true, predicted):
        count.assign_add(1.0)
        return k * squared(true, predicted)

    hooks = Hooks(on_train_batch_begin=lambda batch: k.assign(float(batch)))
    options = {"batch_size": 6, "epochs": 2, "shuffle": False, "verbose": 0, "on_nonfinite": on_nonfinite}
    losses = linear(loss).fit(X, Y, callbacks=[hooks], **options).history["loss"]
    expected = np.mean(np.mean(Y.reshape(4, 6) ** 2, 1) * np.arange(4))
    np.testing.assert_allclose(losses, [expected] * 2, rtol=1e-5)
    assert float(count) == 8


# -- assignments made in hooks


class Shift(layers.Layer):
    """Adds a weight."""

    def build(self, input_shape):
        self.shift = self.add_weight((), "zeros", trainable=False)

    def call(self, x):
        return 0 * x + self.shift


def shifting():
    model = pw.Sequential([pw.Input((1,)), Shift()])
    model.compile("sgd", "mae")
    return model, model.layers[0].shift


@pytest.mark.parametrize("hook", ["on_test_batch_begin", "on_test_batch_end"])
def test_six_assignments_in_hooks_of_evaluate_add_up_and_each_holds_for_the_next_batch(hook):
    model, shift = shifting()
    hooks = Hooks(**{hook: lambda batch: shift.assign_add(1.0)})
    zeros = np.zeros((12, 1), "float32")
    found = model.evaluate(zeros, zeros, batch_size=2, verbose=0, callbacks=[hooks])
    assert float(shift) == 6
    assert found == (3.5 if hook == "on_test_batch_begin" else 2.5)


def test_assignments_in_hooks_of_validation_count():
    shift = shifting()[1]
    trained = linear()
    trained.compile("sgd", lambda true, predicted: squared(true, predicted) * 0 + shift.value)
    hooks = Hooks(on_test_batch_end=lambda batch: shift.assign_add(1.0))
    history = trained.fit(
        X, Y, epochs=2, validation_data=(X, Y), validation_batch_size=6, verbose=0, callbacks=[hooks]
    ).history
    assert history == {"loss": [0, 4], "val_loss": [1.5, 5.5]}
    assert float(shift) == 8


@pytest.mark.parametrize("size, batches", [(4, 6), (9, 3), (40, 1)])
def test_assignments_in_hooks_of_predict_hold_for_the_next_batch_of_the_plan(size, batches):
    model, shift = shifting()
    seen = []
    hooks = Hooks(on_predict_batch_begin=seen.append)
    hooks.on_predict_batch_end = lambda batch, logs: (seen.append(logs["outputs"]), shift.assign_add(1.0))
    found = model.predict(np.zeros((24, 1), "float32"), batch_size=size, verbose=0, callbacks=[hooks])
    np.testing.assert_array_equal(found[:, 0], np.arange(24) // size)
    assert float(shift) == batches
    assert seen[::2] == list(range(batches))
    np.testing.assert_array_equal(np.concatenate(seen[1::2]), found)


def test_hooks_do_not_change_the_bits_of_a_prediction():
    model = linear()
    model.layers[0].kernel.assign(np.linspace(-1, 1, 4)[:, None])
    watched = model.predict(X, batch_size=5, verbose=0, callbacks=[Hooks(on_predict_batch_begin=lambda batch: None)])
    np.testing.assert_array_equal(watched, model.predict(X, verbose=0))


# -- attributes


class Scaled(layers.Layer):
    """Multiplies by an attribute."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        self.seen = x.shape
        return x * self.factor


@pytest.mark.parametrize("way", WAYS)
def test_an_attribute_of_a_layer_takes_effect_at_the_next_call(way):
    layer = Scaled(2.0)
    model = pw.Sequential([pw.Input((4,)), layer])
    for factor in (2.0, 3.0, 2.0):
        layer.factor = factor
        np.testing.assert_array_equal(WAYS[way](model), factor * X)


def test_an_attribute_set_back_finds_its_program_again_and_what_call_sets_does_not_count():
    layer = Scaled(2.0)
    model = pw.Sequential([pw.Input((4,)), layer])
    for factor in (2.0, 3.0, 2.0, 3.0):
        layer.factor = factor
        model.predict(X, verbose=0)
    count = len(model.programs)
    for factor in (2.0, 3.0, 3.0, 2.0):
        layer.factor = factor
        model.predict(X[:5], verbose=0)
    assert len(model.programs) == count


def test_a_model_finds_its_programs_again_when_another_one_is_gone():
    def scaled():
        layer = Scaled(2.0)
        return layer, pw.Sequential([pw.Input((4,)), layer])

    other, of_other = scaled()
    of_other.predict(X, verbose=0)
    other.factor = 7.0
    layer, model = scaled()
    for factor in (2.0, 3.0, 2.0):
        layer.factor = factor
        model.predict(X, verbose=0)
    count = len(model.programs)
    del other, of_other
    gc.collect()
    for factor in (3.0, 2.0):
        layer.factor = factor
        np.testing.assert_array_equal(model.predict(X, verbose=0), factor * X)
    assert len(model.programs) == count


def test_what_a_call_of_the_layer_by_itself_sets_does_not_count():
    class Telling(layers.Layer):
        def call(self, x):
            self.told = 2 * x
            traced.append(x)
            return x

    traced, layer = [], Telling()
    model = pw.Sequential([pw.Input((4,)), layer])
    model.predict(X, verbose=0)
    layer(X), layer(X)
    count = len(traced)
    model.predict(X, verbose=0)
    assert len(traced) == count


def test_an_attribute_that_no_traced_code_has_read_traces_nothing_anew():
    traced = []

    def loss(true, predicted):
        traced.append(1)
        return squared(true, predicted)

    model = linear(loss)
    keeping = Hooks(on_epoch_begin=lambda epoch: setattr(model, "kept", epoch))
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[keeping])
    count = len(traced)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[keeping])
    assert len(traced) == count


def test_an_attribute_of_the_model_that_a_loss_reads_by_a_default_takes_effect():
    model = linear(lambda true, predicted: getattr(model, "strength", 1.0) * squared(true, predicted))
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), MSE, rtol=1e-5)
    model.strength = 2.0
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), 2 * MSE, rtol=1e-5)
    del model.strength
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), MSE, rtol=1e-5)


def test_the_rate_of_a_dropout_takes_effect_at_the_next_batch():
    model = pw.Sequential([pw.Input((4,)), layers.Dropout(0.0)])
    model.compile("sgd", "mae")
    rates = Hooks(on_test_batch_begin=lambda batch: setattr(model.layers[0], "rate", batch / 3))
    with pw.learning_phase_scope("training"):
        ones = np.ones((4000, 4), "float32")
        seen = []
        rates.on_test_batch_end = lambda batch, logs: seen.append(logs["loss"] * (batch + 1))
        model.evaluate(ones, 0 * ones, batch_size=1000, verbose=0, callbacks=[rates])
        model.layers[0].rate = 1.0
        assert not model.predict(ones, verbose=0).any()
    assert np.diff([0, *seen])[0] == 1  # rate 0
    assert np.diff([0, *seen])[3] == 0  # rate 1


@pytest.mark.parametrize(
    "layer, name, text",
    [
        (layers.Dropout(0.1), "rate", r"Dropout's rate is the fraction to drop, in \[0, 1\]; got 1.5"),
        (layers.AlphaDropout(0.1), "rate", "AlphaDropout's rate is the fraction to drop"),
        (layers.GaussianDropout(0.1), "rate", "GaussianDropout's rate is the fraction to drop"),
        (layers.GaussianNoise(0.1), "stddev", "GaussianNoise's stddev must be at least 0; got -1"),
    ],
)
def test_an_attribute_that_is_out_of_range_is_refused_at_the_next_call(layer, name, text):
    model = pw.Sequential([pw.Input((4,)), layer])
    model(X, training=True)
    setattr(layer, name, -1 if name == "stddev" else 1.5)
    with pytest.raises(ValueError, match=text):
        model(X, training=True)


class Weighted(pw.losses.Loss):
    """The squared error times an attribute."""

    def __init__(self):
        super().__init__()
        self.weight = 1.0

    def call(self, true, predicted):
        return self.weight * squared(true, predicted)


class Offset(pw.metrics.Metric):
    """An attribute."""

    def __init__(self):
        super().__init__(name="offset")
        self.offset, self.total = 1.0, self.add_weight()

    def update_state(self, true, predicted, sample_weight=None):
        self.total.assign(self.total * 0 + self.offset)

    def result(self):
        return self.total.value


def test_attributes_of_losses_metrics_regularizers_constraints_and_optimizers():
    loss, metric = Weighted(), Offset()
    penalty, bound = pw.regularizers.L1(0.0), pw.constraints.MaxNorm(100.0, axis=0)
    dense = layers.Dense(1, kernel_initializer="ones", kernel_regularizer=penalty, kernel_constraint=bound)
    model = pw.Sequential([pw.Input((4,)), dense])
    optimizer = pw.optimizers.SGD(1.0, weight_decay=0.0)
    model.compile(optimizer, loss, metrics=[metric])

    def step():
        dense.kernel.assign(np.ones((4, 1)))
        return model.train_on_batch(np.zeros((4, 4)), np.ones((4, 1)), return_dict=True)

    assert step() == {"loss": 1, "offset": 1}
    loss.weight, metric.offset = 3.0, 5.0
    dense.bias.assign([0.0])
    assert step() == {"loss": 3, "offset": 5}
    penalty.l1 = 0.5
    loss.weight = 0.0
    assert step()["loss"] == 2
    np.testing.assert_allclose(dense.kernel.numpy(), np.full((4, 1), 0.5), rtol=1e-6)
    optimizer.weight_decay = 0.25
    step()
    np.testing.assert_allclose(dense.kernel.numpy(), np.full((4, 1), 0.25), rtol=1e-6)
    bound.max_value = 0.1
    step()
    np.testing.assert_allclose(np.linalg.norm(dense.kernel.numpy()), 0.1, rtol=1e-5)


def test_a_copy_of_a_layer_is_followed_for_itself():
    layer = Scaled(2.0)
    model = pw.Sequential([pw.Input((4,)), layer])
    model.predict(X, verbose=0)
    twin = copy.deepcopy(layer)
    twin.factor = 5.0
    other = pw.Sequential([pw.Input((4,)), twin])
    np.testing.assert_array_equal(other.predict(X, verbose=0), 5 * X)
    np.testing.assert_array_equal(model.predict(X, verbose=0), 2 * X)
    layer.factor = 5.0
    np.testing.assert_array_equal(model.predict(X, verbose=0), 5 * X)


def test_a_run_of_our_own_layers_sets_nothing_that_would_trace_anew():
    model = pw.Sequential(
        [pw.Input((4,)), layers.Dense(8), layers.BatchNormalization(momentum=0.5), layers.Dropout(0.1), layers.Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])

    def run():
        model.fit(X, Y, validation_data=(X, Y), verbose=0)
        model.evaluate(X, Y, verbose=0)
        model.predict(X, verbose=0)
        model(X), model.train_on_batch(X, Y)
        return len(model.programs)

    assert run() == run()
