"""Several optimizers for one model: Keras's numbers, each with its own rate, count and settings, in fit and by hand."""

import json
import pickle

import keras
import numpy as np
import pytest

import phasewise as pw
from parity import arguments
from phasewise import optimizers
from phasewise.core import registry
from phasewise.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]]).astype("float32")


def start(library):
    """Three variables, with the same values in both libraries."""
    rng = np.random.default_rng(1)
    shapes = {"kernel": (3, 2), "bias": (2,), "scale": (2,)}
    return [library.Variable(rng.normal(size=s).astype("float32"), name=n) for n, s in shapes.items()]


def gradients(steps):
    rng = np.random.default_rng(2)
    return [[rng.normal(size=s).astype("float32") for s in ((3, 2), (2,), (2,))] for _ in range(steps)]


def made(library, **options):
    """One of three: for the bias, for what ends in "e", and for the rest."""
    o = library.optimizers
    rate = o.schedules.ExponentialDecay(0.1, 3, 0.5)
    others = {"bias": o.Adam(0.1, name="adam", clipnorm=0.5), ".*e": o.SGD(rate, momentum=0.5, name="sgd")}
    return o.MultiOptimizer(o.OptimizerMap(o.Muon(0.05, name="muon"), others), name="multi", **options)


def model_of(optimizer, **options):
    pw.set_random_seed(2)
    chain = [pw.layers.Dense(4, "tanh", name="encoder"), pw.layers.BatchNormalization(name="norm")]
    model = pw.Sequential([pw.Input((3,)), *chain, pw.layers.Dense(1, name="head")], name="net")
    model.compile(optimizer, "mse", **options)
    return model


def trained(optimizer, epochs=2, **options):
    model = model_of(optimizer)
    losses = model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0, **options).history["loss"]
    return model, losses


def by_layer(**options):
    return MultiOptimizer(OptimizerMap(SGD(0.1, momentum=0.5), {".*/encoder/.*": Adam(0.05)}), **options)


@pytest.mark.parametrize("options", [{}, {"loss_scale_factor": 4.0}])
def test_twenty_steps_are_those_of_keras(options):
    ours, theirs = made(pw, **options), made(keras, **options)
    variables, twins = start(pw), start(keras)
    for grads in gradients(20):
        ours.apply(grads, variables)
        theirs.apply(grads, twins)
    for variable, twin in zip(variables, twins):
        np.testing.assert_allclose(variable.numpy(), np.asarray(twin.value), rtol=1e-6, atol=1e-6)
    assert [(v.path, v.shape) for v in ours.variables] == [(v.path, v.shape) for v in theirs.variables]
    for variable, twin in zip(ours.variables, theirs.variables):
        np.testing.assert_allclose(variable.numpy(), np.asarray(twin.value), rtol=1e-5, atol=1e-6)
    assert ours.iterations == 20
    assert [o.name for o in ours.optimizers] == [o.name for o in theirs.optimizers]
    assert ours.scale_loss(1.0) == theirs.scale_loss(1.0)


@pytest.mark.parametrize("name", ["MultiOptimizer", "OptimizerMap"])
def test_the_arguments_are_those_of_keras(name):
    ours, theirs = getattr(optimizers, name), getattr(keras.optimizers, name)
    assert arguments(ours.__init__) == arguments(theirs.__init__)


def test_each_part_of_a_model_trains_as_with_its_optimizer_alone():
    both = model_of(by_layer())
    both.fit(X, Y, batch_size=24, verbose=0)
    for optimizer, is_its in ((Adam(0.05), True), (SGD(0.1, momentum=0.5), False)):
        alone = model_of(optimizer)
        alone.fit(X, Y, batch_size=24, verbose=0)
        for ours, theirs in zip(both.trainable_variables, alone.trainable_variables):
            if ("encoder" in ours.path) == is_its:
                np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)


def test_a_rate_set_on_one_of_them_compiles_nothing_and_holds_from_the_next_step_on():
    model, _ = trained(by_layer())
    programs, before = len(model.programs), model.get_layer("encoder").kernel.numpy()
    adam, sgd = model.optimizer.optimizers
    adam.learning_rate = 0.0
    sgd.learning_rate.assign(0.05)
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.get_layer("encoder").kernel.numpy(), before)
    assert len(model.programs) == programs
    assert sgd.learning_rate == np.float32(0.05)
    adam.beta_1 = 0.5
    adam.learning_rate = 0.1
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    assert np.abs(model.get_layer("encoder").kernel.numpy() - before).max() > 1e-3


def test_averages_of_one_of_them_and_a_layer_that_is_frozen_for_a_while():
    averaging = SGD(0.1, use_ema=True, ema_momentum=0.5)
    model, _ = trained(MultiOptimizer(OptimizerMap(averaging, {".*/encoder/.*": Adam(0.05)})))
    head = model.get_layer("head")
    np.testing.assert_array_equal(head.kernel.numpy(), np.asarray(averaging.state["ema"][2]))
    model.get_layer("encoder").trainable = False
    before = model.get_layer("encoder").kernel.numpy()
    model.fit(X, Y, batch_size=8, verbose=0)
    np.testing.assert_array_equal(model.get_layer("encoder").kernel.numpy(), before)
    model.get_layer("encoder").trainable = True
    adam = model.optimizer.optimizers[0]
    model.fit(X, Y, batch_size=8, verbose=0)
    assert (int(adam.iterations), int(model.optimizer.iterations)) == (9, 12)


def test_the_function_that_chooses_is_asked_once_for_each_variable():
    asked = []

    def choose(variable):
        asked.append(variable.path)
        return SGD(0.1)

    model, _ = trained(MultiOptimizer(choose), epochs=3)
    assert asked == [v.path for v in model.trainable_variables]
    assert len(model.optimizer.optimizers) == len(asked)


def test_a_loss_scale_goes_around_it():
    scaled = LossScaleOptimizer(by_layer(), initial_scale=8.0)
    _, losses = trained(scaled)
    _, plain = trained(by_layer())
    np.testing.assert_allclose(losses, plain, rtol=1e-4)
    assert scaled.dynamic_scale == 8.0
    assert [v.path.split("/")[1] for v in scaled.variables][:4] == [
        "iteration",
        "learning_rate",
        "step_counter",
        "dynamic_scale",
    ]


def test_it_is_rebuilt_from_its_config_and_that_of_keras():
    ours, theirs = made(pw, loss_scale_factor=2.0), made(keras, loss_scale_factor=2.0)
    described = json.loads(json.dumps(optimizers.serialize(ours)))
    for config in (described, json.loads(json.dumps(keras.optimizers.serialize(theirs)))):
        again = optimizers.deserialize(config)
        assert [type(o).__name__ for o in again.optimizers] == ["Adam", "SGD", "Muon"]
        assert again.optimizers[0].clipnorm == 0.5
        assert again.loss_scale_factor == again.optimizers[2].loss_scale_factor == 2.0
        assert again.name == "multi"


def test_a_registered_function_that_chooses_is_found_again():
    @registry.register_serializable("tests")
    def chooser(variable):
        return SGD()

    again = optimizers.deserialize(optimizers.serialize(MultiOptimizer(chooser)))
    assert again._map is chooser
    with pytest.raises(ValueError, match="A lambda cannot be described: it has no name"):
        optimizers.deserialize(optimizers.serialize(MultiOptimizer(lambda variable: SGD())))


def test_a_pickled_model_goes_on_as_the_first():
    model, _ = trained(by_layer())
    twin = pickle.loads(pickle.dumps(model))
    for each in (model, twin):
        each.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    for ours, theirs in zip(twin.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_the_iterations_of_all_are_assigned_together():
    optimizer, variables = made(pw), start(pw)
    optimizer.iterations = 4
    optimizer.apply(gradients(1)[0], variables)
    assert [int(o.iterations) for o in (optimizer, *optimizer.optimizers)] == [5, 5, 5, 5]


def test_a_map_is_a_dict_of_paths_and_expressions():
    first, second, third = SGD(), Adam(), SGD()
    mapping = OptimizerMap(first, {"encoder/dense": second})
    mapping["encoder/.*"] = third
    assert (len(mapping), list(mapping)) == (2, ["encoder/dense", "encoder/.*"])
    assert mapping["encoder/dense"] is second
    assert mapping["encoder/other"] is third
    assert mapping["encoder"] is mapping.default_optimizer is first
    del mapping["encoder/.*"]
    assert mapping["encoder/other"] is first


def _built(choose):
    MultiOptimizer(choose).build(start(pw))


def _doubled():
    mapping = OptimizerMap(SGD(), {"a": SGD()})
    mapping["a"] = SGD()


def _set(name, value):
    setattr(made(pw), name, value)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: MultiOptimizer(3), ValueError, "optimizer_map is an OptimizerMap, or a function .*; got 3"),
        (lambda: MultiOptimizer(SGD), ValueError, "optimizer_map is an OptimizerMap, or a function"),
        (lambda: _built(lambda v: "adam"), ValueError, "The optimizer for variable 'kernel' must be .*; got 'adam'"),
        (lambda: _built(lambda v: made(pw)), ValueError, "is a MultiOptimizer, which wraps others itself"),
        (
            lambda: OptimizerMap(LossScaleOptimizer(SGD())),
            ValueError,
            "is a LossScaleOptimizer, which wraps others itself.*LossScaleOptimizer goes around",
        ),
        (lambda: OptimizerMap("sgd"), TypeError, "default_optimizer must be an optimizer; got 'sgd'"),
        (lambda: OptimizerMap(SGD(), [1]), TypeError, r"must be a dict from paths to optimizers; got \[1\]"),
        (lambda: OptimizerMap(SGD(), {3: SGD()}), ValueError, "a path or a regular expression, a str; got 3"),
        (lambda: OptimizerMap(SGD(), {"*": SGD()}), ValueError, r"a regular expression; '\*' is none"),
        (lambda: OptimizerMap(SGD(), {"a": "sgd"}), ValueError, "The optimizer for 'a' of an OptimizerMap must be"),
        (_doubled, ValueError, "The OptimizerMap has 'a' already"),
        (
            lambda: OptimizerMap(SGD(), {"a.*": SGD(), ".*b": SGD()})["ab"],
            ValueError,
            r"Several keys of the OptimizerMap match variable 'ab': 'a\.\*', '\.\*b'",
        ),
        (lambda: made(pw).learning_rate, AttributeError, "has no 'learning_rate' of its own: it is that of each"),
        (lambda: _set("learning_rate", 0.1), AttributeError, "has no 'learning_rate' of its own"),
        (lambda: _set("clipnorm", 0.1), AttributeError, "has no 'clipnorm' of its own"),
        (
            lambda: made(pw).exclude_from_weight_decay(var_names=["bias"]),
            AttributeError,
            "has no 'exclude_from_weight_decay' of its own",
        ),
    ],
)
def test_a_mistake_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
