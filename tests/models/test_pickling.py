"""A model can be pickled as it can be copied: weights, compile state and step count come along, programs stay behind."""

import copy
import multiprocessing
import pickle

import cloudpickle
import numpy as np
import optax
import pytest

import phasewise as pw
from phasewise import callbacks, layers, ops, optimizers
from phasewise.core import registry

pytestmark = pytest.mark.as_for_users

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 1)).astype(np.float32)


def functional():
    x = pw.Input((3,))
    h = layers.BatchNormalization()(layers.Dense(4, activation="relu")(x))
    h = ops.sin(h) * 2 + h[:, :1]
    return pw.Model(x, layers.Dense(1, activation=ops.tanh)(h))


def with_a_shared_layer_and_a_model_inside():
    x, shared = pw.Input((3,)), layers.Dense(3)
    return pw.Model(x, functional()(shared(shared(x))))


def chain():
    return pw.Sequential([layers.Dense(4), layers.Dropout(0.5), layers.Dense(1)])


class Own(pw.Model):
    def __init__(self, units=4):
        super().__init__()
        self.blocks = [layers.Dense(units), layers.Dense(1)]
        self.first = self.blocks[0]

    def call(self, inputs):
        return self.blocks[1](self.first(inputs))


def pickled(item):
    return pickle.loads(pickle.dumps(item))


def train(model, epochs=1):
    return model.fit(X, Y, epochs=epochs, batch_size=4, shuffle=False, verbose=0).history


@pytest.mark.parametrize("make", [functional, with_a_shared_layer_and_a_model_inside, chain, Own])
@pytest.mark.parametrize("through", [pickled, copy.deepcopy])
@pytest.mark.few(3)
def test_the_twin_goes_on_where_the_model_stood_and_is_independent_of_it(make, through):
    model = make()
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
    train(model)
    twin = through(model)
    assert not twin.programs
    assert twin.optimizer.iterations == 2
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    weights = model.get_weights()
    twin_history = train(twin, 2)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert train(model, 2) == twin_history
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_shared_in_a_model_is_shared_in_its_twin():
    twin = pickled(Own())
    assert twin.first is twin.blocks[0]
    model, optimizer = pickled((chain(), optimizers.SGD()))
    assert isinstance(model, pw.Sequential)
    assert isinstance(optimizer, optimizers.SGD)


def test_a_model_of_hundreds_of_layers_does_not_go_too_deep():
    x = y = pw.Input((1,))
    for _ in range(400):
        y = layers.Identity()(y)
    model = pw.Model(x, y)
    for twin in (pickled(model), copy.deepcopy(model)):
        assert len(twin.layers) == 401
        assert twin.layers[-1].output is twin.output
    assert len(pickle.dumps(model.layers[200])) < 5000  # a layer alone does not bring the graph


def test_a_twin_of_a_chain_can_be_extended_and_cut():
    twin = pickled(pw.Sequential([pw.Input((3,)), layers.Dense(2), layers.Dense(1)]))
    twin.pop()
    twin.add(layers.Dense(5))
    assert twin(X).shape == (8, 5)


def test_what_the_optimizer_keeps_for_a_frozen_layer_comes_along():
    model = pw.Sequential([pw.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.compile(optimizers.SGD(0.01, momentum=0.9), "mse")
    train(model)
    model.layers[0].trainable = False
    train(model)
    twin = pickled(model)
    for each in (model, twin):
        each.layers[0].trainable = True
    assert train(model) == train(twin)


def test_exclusions_from_the_weight_decay_come_along():
    layer = layers.Dense(1, kernel_initializer="ones", bias_initializer="ones")
    layer.build((None, 1))
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[layer.bias])
    layer, optimizer = pickled((layer, optimizer))
    optimizer.apply([np.zeros((1, 1), np.float32), np.zeros(1, np.float32)], layer.weights)
    assert (float(layer.kernel[0, 0]), float(layer.bias[0])) == (0.75, 1.0)


def predicted(item):
    model, x = item
    return model.predict(x, verbose=0)


@pytest.mark.filterwarnings("ignore")
def test_another_process_predicts_the_same():
    model = functional()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(predicted, ((model, X),)), model.predict(X, verbose=0))


def with_a_lambda_loss():
    model = chain()
    model.compile("sgd", lambda t, p: (t - p) ** 2)
    return model


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (
            lambda: pw.Sequential([pw.Input((3,)), layers.Lambda(lambda x: x, name="own")]),
            "The Lambda 'own' .* function holds",
        ),
        (lambda: layers.Dense(1, activation=lambda x: x, name="own"), "The Dense 'own' .* activation holds"),
        (lambda: pw.Model(x := pw.Input((3,)), ops.apply(lambda a: a, x)), "The Function '<lambda>' .* function holds"),
        (with_a_lambda_loss, r"What compile\(...\) was given .* holds"),
        (lambda: optimizers.SGD(lambda step: 0.1), "The SGD .* schedule holds"),
        (lambda: optimizers.get(optax.adam(0.1)), "The OptaxOptimizer 'optax' .* transformation holds"),
        (
            lambda: callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
            "The LambdaCallback .* on_epoch_end holds",
        ),
    ],
)
def test_a_function_that_another_process_could_not_find_is_told_with_its_owner(make, named):
    with pytest.raises(pickle.PicklingError, match=f"{named} '.*def` at the top of a module"):
        pickle.dumps(make())


def test_such_a_function_is_no_obstacle_to_a_copy_or_to_a_pickler_that_takes_its_code():
    model = pw.Sequential([pw.Input((3,)), layers.Lambda(lambda x: 2 * x)])
    for twin in (copy.deepcopy(model), pickle.loads(cloudpickle.dumps(model))):
        np.testing.assert_array_equal(twin(X), 2 * X)


@pytest.mark.parametrize(
    "kind",
    ["optimizer", "schedule", "loss", "metric", "regularizer", "constraint", "initializer", "activation", "layer"],
)
def test_whatever_is_registered_can_be_pickled_and_copied(kind):
    for item in registry.members(kind):
        try:
            made = item() if isinstance(item, type) else item
        except (TypeError, ValueError):  # it needs arguments
            continue
        assert type(pickled(made)) is type(made)
        assert type(copy.deepcopy(made)) is type(made)


def test_callbacks_that_hold_plain_values_can_be_pickled():
    stopping = pickled(callbacks.EarlyStopping(patience=3))
    assert stopping.patience == 3
