"""get_state_tree and set_state_tree: the whole state of a model, in the layout that Keras gives it."""

import jax
import keras
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 3)).astype("float32"), RNG.normal(size=(16, 1)).astype("float32")


def network(library, is_compiled=True):
    layers = library.layers
    chain = [layers.BatchNormalization(name="bn"), layers.Dense(2, name="d"), layers.Dense(1, name="e")]
    made = library.Sequential([library.Input((3,)), *chain], name="net")
    if is_compiled:
        made.compile("adam", "mse", metrics=["mae"])
    return made


@pytest.fixture(scope="module")
def trained():
    made = network(pw)
    made.fit(X, Y, batch_size=8, verbose=0)
    return made


@pytest.fixture(scope="module")
def of_keras():
    made = network(keras)
    made.fit(X, Y, batch_size=8, verbose=0)
    return made


def shapes(tree):
    return jax.tree.map(np.shape, tree)


def test_the_tree_is_laid_out_as_keras_lays_it_out(trained, of_keras):
    ours, theirs = (shapes(made.get_state_tree()) for made in (trained, of_keras))
    assert list(ours) == list(theirs)
    ours["metrics_variables"]["mean_absolute_error"] = ours["metrics_variables"].pop("mae")
    assert ours == theirs


def test_it_has_the_values_of_the_variables(trained):
    tree = trained.get_state_tree("numpy_array")
    layer = trained.get_layer("bn")
    np.testing.assert_array_equal(tree["non_trainable_variables"]["net"]["bn"]["moving_mean"], layer.moving_mean)
    assert tree["optimizer_variables"]["adam"]["iteration"] == 2
    assert tree["metrics_variables"]["loss"]["count"] == len(X)


def test_numpy_arrays_are_copies(trained):
    tree = trained.get_state_tree("numpy_array")
    before = trained.get_layer("d").get_weights()[1]
    tree["trainable_variables"]["net"]["d"]["bias"][:] = 7
    np.testing.assert_array_equal(trained.get_layer("d").get_weights()[1], before)


def test_a_model_that_is_given_a_tree_trains_on_as_the_one_that_it_is_of(trained):
    other, tree = network(pw), trained.get_state_tree()
    other.set_state_tree(tree)
    same = network(pw)
    same.set_state_tree(tree)
    assert same.optimizer.iterations == 2
    one, two = (made.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history for made in (other, same))
    assert one == two
    begun = network(pw)
    begun.set_weights(trained.get_weights())
    begun.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    assert (
        np.abs(begun.get_weights()[0] - other.get_weights()[0]).max() > 1e-4
    )  # without Adam's averages it goes elsewhere


def test_the_tree_of_a_model_of_keras_is_taken_and_training_goes_on_as_there():
    theirs, ours = network(keras), network(pw)
    theirs.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    ours.set_state_tree(theirs.get_state_tree())
    histories = [made.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history["loss"] for made in (theirs, ours)]
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-5)
    for weight, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-6)


def test_a_model_that_is_not_compiled_takes_the_weights(trained):
    made = network(pw, is_compiled=False)
    made.set_state_tree(trained.get_state_tree())
    for weight, expected in zip(made.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_part_of_a_tree_sets_that_part_alone(trained):
    made = network(pw)
    kernel = made.get_layer("d").get_weights()[0]
    made.set_state_tree({"trainable_variables": {"net": {"e": {"bias": [4.0]}}}})
    assert made.get_layer("e").get_weights()[1] == 4
    np.testing.assert_array_equal(made.get_layer("d").get_weights()[0], kernel)


@pytest.mark.parametrize(
    "tree, said",
    [
        ({"trainable": {}}, "part is one of 'trainable_variables', 'non_trainable_variables', .*; got 'trainable'"),
        ({"trainable_variables": {"net": {"d": {"kernle": 0}}}}, "has no 'net/d/kernle' among .*'net/d/kernel'"),
        ({"trainable_variables": {"web": {"d": {"bias": [1.0, 1.0]}}}}, "has no 'web/d/bias' among"),
        ({"trainable_variables": {"net": {"d": {"bias": [1.0]}}}}, r"has shape \(2,\); .* shape \(1,\)"),
    ],
    ids=["part", "path", "of another model", "shape"],
)
def test_what_does_not_fit_is_told_and_nothing_is_changed(tree, said):
    made = network(pw)
    before = made.get_weights()
    with pytest.raises(ValueError, match=said):
        made.set_state_tree({"non_trainable_variables": {"net": {"bn": {"moving_mean": [9.0, 9.0, 9.0]}}}, **tree})
    for weight, old in zip(made.get_weights(), before):
        np.testing.assert_array_equal(weight, old)


def test_another_format_is_told(trained):
    with pytest.raises(ValueError, match="value_format is one of 'backend_tensor', 'numpy_array'; got 'numpy'"):
        trained.get_state_tree("numpy")


def test_accumulators_of_two_metrics_of_one_name_are_kept_apart():
    x = pw.Input((3,))
    made = pw.Model(x, [pw.layers.Dense(1, name="a")(x), pw.layers.Dense(1, name="b")(x)])
    made.compile("sgd", "mse", metrics=[["mae"], ["mae"]])
    made.train_on_batch(X, [Y, Y])
    assert len(jax.tree.leaves(made.get_state_tree()["metrics_variables"])) == len(made.metrics_variables)


def test_weights_of_one_path_are_told():
    made = pw.Sequential([pw.Input((3,)), pw.layers.Dense(1, name="a"), pw.layers.Rescaling(1.0)], name="net")
    made.layers[1].beside = pw.layers.Dense(1, name="a")
    made.layers[1].beside.build((None, 3))
    made.layers[1].beside.kernel.path = made.layers[0].kernel.path
    with pytest.raises(ValueError, match="several variables with the path 'net/a/kernel'"):
        made.get_state_tree()
