"""Models as estimators of scikit-learn."""

import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import phasewise as pw

SILENT = {"verbose": 0}


def network(X, y, loss, units=8, last=None, activation=None):
    """A small network whose sizes are those of the data."""
    outputs = last or (y.shape[1] if y.ndim > 1 else 1)
    model = pw.Sequential([pw.Input(X.shape[1:]), pw.layers.Dense(units, activation="relu")])
    model.add(pw.layers.Dense(outputs, activation=activation))
    model.compile(pw.optimizers.Adam(0.02), loss)
    return model


def estimator(kind, loss, fit_kwargs=None, activation=None, **settings):
    return getattr(pw.wrappers, f"SKLearn{kind}")(
        network,
        model_kwargs={"loss": loss, "activation": activation},
        fit_kwargs={**SILENT, **(fit_kwargs or {})},
        **settings,
    )


@pytest.mark.extensive  # each makes and compiles some hundred models
@pytest.mark.parametrize(
    ("kind", "loss", "activation"),
    [("Classifier", "categorical_crossentropy", "softmax"), ("Regressor", "mse", None), ("Transformer", "mse", None)],
)
def test_it_passes_every_check_of_scikit_learn(kind, loss, activation):
    check_estimator(estimator(kind, loss, {"epochs": 2}, activation))


X, LABELS = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X).astype("float32")
WORDS = np.array(["setosa", "versicolor", "virginica"])[LABELS]
TWO = LABELS > 0


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        ("categorical_crossentropy", "softmax"),
        ("sparse_categorical_crossentropy", "softmax"),
        (pw.losses.SparseCategoricalCrossentropy(from_logits=True), None),
    ],
)
@pytest.mark.extensive
def test_a_classifier_learns_words_with_any_crossentropy(loss, activation):
    model = estimator("Classifier", loss, {"epochs": 40}, activation, random_state=0).fit(X, WORDS)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.score(X, WORDS) > 0.9
    assert model.decision_function(X).shape == (150, 3)


@pytest.mark.parametrize(
    ("loss", "activation"),
    [("binary_crossentropy", "sigmoid"), (pw.losses.BinaryCrossentropy(from_logits=True), None)],
)
def test_one_output_tells_two_classes_apart(loss, activation):
    model = estimator("Classifier", loss, {"epochs": 30}, activation, random_state=0)
    model.model_kwargs["last"] = 1
    model.fit(X, TWO)
    assert model.score(X, TWO) > 0.95
    np.testing.assert_array_equal(model.decision_function(X) > 0, model.predict(X))
    with pytest.raises(ValueError, match="has one output, which tells two classes apart; y has 3"):
        model.fit(X, WORDS)


@pytest.mark.extensive
def test_the_batch_size_is_seen_set_and_searched_over():
    model = estimator("Classifier", "categorical_crossentropy", activation="softmax")
    assert model.fit(X, WORDS).batch_size_ == 32
    assert model.history_.params["steps"] == 5
    model.set_params(batch_size=50).fit(X, WORDS)
    assert (model.batch_size_, model.history_.params["steps"]) == (50, 3)
    assert model.fit(X, WORDS, batch_size=75).batch_size_ == 75
    model.set_params(batch_size=None, fit_kwargs={"batch_size": 10, **SILENT})
    assert model.fit(X, WORDS).batch_size_ == 10
    search = GridSearchCV(clone(model), {"batch_size": [25, 100]}, cv=2).fit(X, WORDS)
    assert search.best_estimator_.batch_size_ == search.best_params_["batch_size"]


@pytest.mark.extensive
def test_a_clone_keeps_the_arguments_of_fit_as_that_of_keras_does_not():
    model = estimator("Regressor", "mse", {"epochs": 3}, random_state=1)
    assert len(clone(model).fit(X, LABELS).history_.history["loss"]) == 3
    scores = cross_val_score(make_pipeline(StandardScaler(), model), X, LABELS, cv=3)
    assert np.isfinite(scores).all()


def test_arguments_given_to_one_fit_do_not_stay():
    settings = {"epochs": 2, **SILENT}
    model = estimator("Regressor", "mse")
    model.fit_kwargs = settings
    model.fit(X, LABELS, epochs=1)
    assert model.fit_kwargs == {"epochs": 2, **SILENT}
    assert len(model.fit(X, LABELS).history_.history["loss"]) == 2


@pytest.mark.extensive
def test_a_random_state_makes_fit_repeat():
    model = estimator("Regressor", "mse", random_state=4)
    first, again = (clone(model).fit(X, LABELS).predict(X) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, clone(model).set_params(random_state=5).fit(X, LABELS).predict(X))


def test_a_given_model_stays_as_it_is_and_each_fit_begins_with_its_weights():
    given = network(X, LABELS, "mse")
    weights = given.get_weights()
    model = pw.wrappers.SKLearnRegressor(given, fit_kwargs=SILENT, random_state=0)
    first = model.fit(X, LABELS).predict(X)
    for before, now in zip(weights, given.get_weights(), strict=True):
        np.testing.assert_array_equal(before, now)
    np.testing.assert_array_equal(first, model.fit(X, LABELS).predict(X))


def test_a_warm_start_goes_on_with_the_trained_model():
    given = network(X, LABELS, "mse")
    model = pw.wrappers.SKLearnRegressor(given, warm_start=True, fit_kwargs=SILENT)
    assert model.fit(X, LABELS).model_ is given
    steps = int(given.optimizer.iterations)
    assert int(model.fit(X, LABELS).model_.optimizer.iterations) == 2 * steps
    words = estimator("Classifier", "categorical_crossentropy", activation="softmax", warm_start=True).fit(X, WORDS)
    trained = words.model_
    assert words.fit(X[:60], WORDS[:60]).model_ is trained
    assert len(words.classes_) == 3
    with pytest.raises(
        ValueError, match=r"warm_start goes on with the classes \[.*'virginica'.*\]; y has \[.*'rose'.*\] too"
    ):
        words.fit(X[:2], np.array(["rose", "setosa"]))


@pytest.mark.extensive
def test_a_regressor_of_several_targets_keeps_their_axis():
    model = estimator("Regressor", "mse")
    assert model.fit(X, X[:, :2]).predict(X).shape == (150, 2)
    assert model.fit(X, X[:, :1]).predict(X).shape == (150, 1)
    assert model.fit(X, X[:, 0]).predict(X).shape == (150,)


def test_rows_that_weigh_nothing_are_left_out():
    model = estimator("Regressor", "mse", random_state=2)
    weights = np.arange(150) < 64
    light = clone(model).fit(X, LABELS, sample_weight=weights).predict(X)
    np.testing.assert_array_equal(light, clone(model).fit(X[:64], LABELS[:64], sample_weight=np.ones(64)).predict(X))
    with pytest.raises(
        ValueError, match=r"only one class is present: all labels are setosa \(rows whose sample_weight is 0"
    ):
        estimator("Classifier", "mse").fit(X, WORDS, sample_weight=LABELS == 0)


def test_a_transformer_is_a_step_of_a_pipeline_and_can_be_pickled():
    model = estimator("Transformer", "mse")
    made = model.fit(X, X).transform(X)
    assert made.shape == X.shape
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), made)


def test_what_cannot_be_trained_is_refused():
    bare = pw.Sequential([pw.layers.Dense(1)])
    with pytest.raises(RuntimeError, match="must be compiled with an optimizer and a loss before it is wrapped"):
        pw.wrappers.SKLearnRegressor(bare).fit(X, LABELS)
    with pytest.raises(TypeError, match="model is a compiled Model, or a function that returns one; got 3"):
        pw.wrappers.SKLearnRegressor(3).fit(X, LABELS)
    with pytest.raises(TypeError, match="The function given as model must return a Model; it returned 7"):
        pw.wrappers.SKLearnRegressor(lambda X, y: 7).fit(X, LABELS)
    with pytest.raises(ValueError, match="Classifier can't train when only one class is present: all labels are 1"):
        estimator("Classifier", "mse").fit(X, np.ones(150, int))
    with pytest.raises(RuntimeError, match="Metadata routing is not switched on"):
        estimator("Regressor", "mse").set_fit_request(sample_weight=True)


def test_the_arguments_of_keras_come_first_and_in_its_order():
    for name in pw.wrappers.__all__:
        theirs = keras_parameters(name)
        ours = getattr(pw.wrappers, name)._get_param_names()
        assert set(theirs) < set(ours)


def keras_parameters(name):
    return getattr(keras.wrappers, name)._get_param_names()


def test_without_scikit_learn_it_is_named():
    program = (
        "import sys; sys.modules['sklearn'] = None; import phasewise as pw\n"
        "try: pw.wrappers.SKLearnClassifier\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == (
        "SKLearnClassifier needs scikit-learn, which is not installed: pip install scikit-learn"
    ), done.stderr
