"""fit, evaluate and the rest against Keras: the same history and weights from the same start."""

import keras
import numpy as np
import pytest
from twins import CLASSES, X, Y, assert_same_weights, binary, compiled_twins, two_headed

import phasewise as pw

WEIGHTS = np.linspace(0.1, 2, 70).astype("float32")
BOTH = (pw, keras)


def sgd(loss, **more):
    return lambda library: {"optimizer": library.optimizers.SGD(0.1), "loss": loss, **more}


def history(model, *args, **kwargs):
    return model.fit(*args, shuffle=False, verbose=0, **kwargs).history


def assert_same_history(ours, theirs, names=None):
    assert set(ours) == set(theirs) if names is None else set(names) <= set(ours)
    for name in names or theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-4, atol=1e-5, err_msg=name)


FIT = {
    "plain": {"epochs": 3, "batch_size": 16},
    "last batch short": {"epochs": 2, "batch_size": 32},
    "class_weight": {"class_weight": {0: 0.5, 1: 3.0}},
    "sample_weight": {"sample_weight": WEIGHTS},
    "sample_weight of a column": {"sample_weight": WEIGHTS[:, None]},
    "validation_split": {"validation_split": 0.3, "epochs": 2},
    "validation_data": {"validation_data": (X[:20], Y[:20]), "epochs": 2, "validation_batch_size": 7},
    "weighted validation_data": {"validation_data": (X[:20], Y[:20], WEIGHTS[:20])},
    "validation_freq": {"validation_data": (X[:20], Y[:20]), "epochs": 4, "validation_freq": 2},
    "validation_freq of a list": {"validation_data": (X[:20], Y[:20]), "epochs": 4, "validation_freq": [1, 4]},
    "validation_steps": {"validation_data": (X[:20], Y[:20]), "validation_batch_size": 5, "validation_steps": 2},
    "initial_epoch": {"epochs": 5, "initial_epoch": 3},
}


@pytest.fixture(scope="module")
def measured_twins():
    """Twins with many metrics, compiled once for all tests, and their first weights."""
    ours, theirs = compiled_twins(
        binary,
        lambda library: {
            "optimizer": library.optimizers.SGD(0.1),
            "loss": "binary_crossentropy",
            "metrics": ["accuracy", "mae"],
            "weighted_metrics": [library.metrics.BinaryAccuracy(name="weighted")],
        },
    )
    return ours, theirs, theirs.get_weights()


@pytest.mark.parametrize("name", FIT)
@pytest.mark.few(5)
def test_fit_gives_the_history_and_weights_of_keras(measured_twins, name):
    ours, theirs, weights = measured_twins
    for model in (ours, theirs):
        model.set_weights(weights)
    ours_history, theirs_history = history(ours, X, Y, **FIT[name]), history(theirs, X, Y, **FIT[name])
    assert_same_history(ours_history, theirs_history)
    assert_same_weights(ours, theirs)


OBJECTIVES = {
    "one loss for both by list": {"loss": ["binary_crossentropy", "sparse_categorical_crossentropy"]},
    "by name": {"loss": {"yes": "binary_crossentropy", "kind": "sparse_categorical_crossentropy"}},
    "loss_weights": {
        "loss": ["binary_crossentropy", "sparse_categorical_crossentropy"],
        "loss_weights": [0.3, 2.0],
    },
    "metrics by name": {
        "loss": ["binary_crossentropy", "sparse_categorical_crossentropy"],
        "metrics": {"yes": ["accuracy", "mse"], "kind": "accuracy"},
    },
    "metrics by list": {
        "loss": {"yes": "mse", "kind": "sparse_categorical_crossentropy"},
        "metrics": [["mae"], ["accuracy"]],
    },
}


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.few(2)
@pytest.mark.extensive
def test_several_outputs_have_the_history_of_keras(name):
    ours, theirs = compiled_twins(two_headed, sgd(**OBJECTIVES[name]))
    labels = {"yes": Y, "kind": CLASSES}
    ours_history, theirs_history = history(ours, X, labels, epochs=2), history(theirs, X, labels, epochs=2)
    assert_same_history(ours_history, theirs_history)
    assert_same_weights(ours, theirs)
    found, wanted = ours.evaluate(X, labels, verbose=0), theirs.evaluate(X, labels, verbose=0)
    np.testing.assert_allclose(found, wanted, rtol=2e-4)


@pytest.mark.parametrize("return_dict", [False, True])
def test_evaluate_returns_what_keras_returns(return_dict):
    ours, theirs = compiled_twins(binary, sgd("mse", metrics=["mae"], weighted_metrics=["mse"]))
    options = {"batch_size": 16, "sample_weight": WEIGHTS, "return_dict": return_dict, "verbose": 0}
    found, wanted = ours.evaluate(X, Y, **options), theirs.evaluate(X, Y, **options)
    if return_dict:
        assert list(found) == list(wanted)
        found, wanted = list(found.values()), list(wanted.values())
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_evaluate_without_metrics_is_one_number():
    ours, theirs = compiled_twins(binary, sgd("mse"))
    found = ours.evaluate(X, Y, verbose=0)
    assert isinstance(found, float)
    np.testing.assert_allclose(found, theirs.evaluate(X, Y, verbose=0), rtol=1e-5)


def test_evaluate_takes_steps_of_the_batch_size():
    ours, theirs = compiled_twins(binary, sgd("mse"))
    options = {"batch_size": 16, "steps": 2, "verbose": 0}
    np.testing.assert_allclose(ours.evaluate(X, Y, **options), theirs.evaluate(X, Y, **options), rtol=1e-5)


@pytest.mark.extensive
def test_the_methods_of_one_batch_agree_with_keras():
    ours, theirs = compiled_twins(binary, sgd("binary_crossentropy", metrics=["accuracy"]))
    for rows in (slice(0, 16), slice(16, 40), slice(40, 70)):
        options = {"sample_weight": WEIGHTS[rows], "return_dict": True}
        found, wanted = (model.train_on_batch(X[rows], Y[rows], **options) for model in (ours, theirs))
        assert set(found) == set(wanted)
        np.testing.assert_allclose([found[name] for name in wanted], list(map(float, wanted.values())), rtol=1e-4)
    assert_same_weights(ours, theirs)
    found, wanted = (model.test_on_batch(X, Y) for model in (ours, theirs))
    np.testing.assert_allclose(found, np.asarray(wanted, float), rtol=1e-4)
    np.testing.assert_allclose(ours.predict_on_batch(X), theirs.predict_on_batch(X), rtol=1e-4, atol=1e-6)
    found, wanted = (model.train_on_batch(X, Y, class_weight={0: 1.0, 1: 2.0}) for model in (ours, theirs))
    np.testing.assert_allclose(found, np.asarray(wanted, float), rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adamw"])
@pytest.mark.few(2)
def test_training_through_batch_normalization_follows_keras(optimizer):
    ours, theirs = compiled_twins(binary, lambda library: {"optimizer": optimizer, "loss": "binary_crossentropy"})
    assert_same_history(history(ours, X, Y, epochs=4), history(theirs, X, Y, epochs=4))
    assert_same_weights(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "labels, units, loss, kind",
    [
        (Y, 1, "binary_crossentropy", "binary_accuracy"),
        (Y[:, 0], 1, "binary_crossentropy", "binary_accuracy"),
        (CLASSES, 3, "sparse_categorical_crossentropy", "sparse_categorical_accuracy"),
        (CLASSES[:, None], 3, "sparse_categorical_crossentropy", "sparse_categorical_accuracy"),
        (np.eye(3, dtype="float32")[CLASSES], 3, "categorical_crossentropy", "categorical_accuracy"),
    ],
)
@pytest.mark.few(3)
@pytest.mark.extensive
def test_accuracy_is_resolved_as_keras_resolves_it(labels, units, loss, kind):
    def build(library):
        x = library.Input((4,))
        return library.Model(x, library.layers.Dense(units, activation="sigmoid" if units == 1 else "softmax")(x))

    ours, theirs = compiled_twins(build, sgd(loss, metrics=["accuracy", kind]))
    found, wanted = (model.evaluate(X, labels, verbose=0, return_dict=True) for model in (ours, theirs))
    assert set(found) == set(wanted)
    assert found["accuracy"] == found[kind]
    np.testing.assert_allclose([found[name] for name in wanted], list(wanted.values()), rtol=1e-5)


@pytest.mark.extensive
def test_labels_of_an_output_without_loss_and_metrics_may_be_left_out():
    ours, _ = compiled_twins(two_headed, sgd({"kind": "sparse_categorical_crossentropy"}, metrics={"kind": "accuracy"}))
    again, _ = compiled_twins(
        two_headed, sgd({"kind": "sparse_categorical_crossentropy"}, metrics={"kind": "accuracy"})
    )
    again.set_weights(ours.get_weights())
    assert history(ours, X, {"kind": CLASSES}) == history(again, X, {"kind": CLASSES, "yes": Y})


def test_class_and_sample_weights_multiply():
    weights = np.where(Y[:, 0] == 1, 3.0, 1.0).astype("float32") * WEIGHTS
    ours, theirs = compiled_twins(binary, sgd("mse"))
    found = history(ours, X, Y, sample_weight=WEIGHTS, class_weight={1: 3.0})
    assert_same_history(found, history(theirs, X, Y, sample_weight=weights))


@pytest.mark.parametrize("labels, units", [(Y, 1), (CLASSES, 3), (np.eye(3, dtype="float32")[CLASSES], 3)])
@pytest.mark.few(1)
def test_the_loss_crossentropy_is_resolved_by_the_shapes(labels, units):
    def build(library):
        x = library.Input((4,))
        return library.Model(x, library.layers.Dense(units, activation="sigmoid" if units == 1 else "softmax")(x))

    ours, theirs = compiled_twins(build, sgd("crossentropy"))
    assert_same_history(history(ours, X, labels), history(theirs, X, labels))


def test_a_loss_and_a_metric_of_ones_own_are_called_as_keras_calls_them():
    def cube(y_true, y_pred):
        return abs(y_true - y_pred) ** 3

    ours, theirs = compiled_twins(binary, lambda library: {"optimizer": "sgd", "loss": cube, "metrics": [cube]})
    labels = Y.astype("float32")
    found, wanted = history(ours, X, labels, epochs=2), history(theirs, X, labels, epochs=2)
    assert_same_history(found, wanted)


def test_metrics_names_are_in_the_order_of_evaluate():
    ours, theirs = compiled_twins(binary, sgd("mse", metrics=["mae", "accuracy"]))
    ours.fit(X, Y, verbose=0)
    theirs.fit(X, Y, verbose=0)
    assert ours.metrics_names == ["loss", "mae", "accuracy"]
    assert [metric.name for metric in ours.metrics] == [metric.name for metric in theirs.metrics]
    assert list(ours.evaluate(X, Y, verbose=0, return_dict=True)) == ours.metrics_names


@pytest.mark.parametrize("steps_per_execution", [1, 4])
@pytest.mark.few(1)
def test_steps_per_execution_changes_nothing_but_the_dispatch(steps_per_execution):
    ours, theirs = compiled_twins(binary, sgd("mse", steps_per_execution=steps_per_execution))
    assert_same_history(history(ours, X, Y, epochs=2), history(theirs, X, Y, epochs=2))
