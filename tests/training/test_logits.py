"""Logits are not probabilities: compile knows which of them a loss takes, and says where a metric or an output disagrees."""

import warnings

import numpy as np
import pytest
from phasewise.warning import LogitsWarning
from sklearn.metrics import roc_auc_score

import phasewise as pw
from phasewise.layers import Activation, Dense, Dropout, Lambda, Reshape, Softmax
from phasewise.losses import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy

Z = np.linspace(-2, 2, 40, dtype=np.float32)[np.random.default_rng(0).permutation(40)][:, None]
SIGN = (Z > 0).astype(np.float32)
NOISY = np.where(np.arange(40)[:, None] % 4 == 0, 1 - SIGN, SIGN)
SPARSE = "sparse_categorical_crossentropy"


def model(loss, metrics=None, *, end=None, units=1):
    """One weight of 1: without an activation the output is the input."""
    net = pw.Sequential([pw.Input((1,)), Dense(units, kernel_initializer="ones", activation=end, name="head")])
    net.compile("sgd", loss, metrics=metrics)
    return net


def logs(net, y):
    return net.evaluate(Z, y, verbose=0, return_dict=True)


def told(call):
    """The texts of the warnings about logits in `call`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(w.message) for w in caught if w.category is LogitsWarning]


NAMES = ["accuracy", "acc", "binary_accuracy", "AUC", "precision", "recall", "TruePositives", "bce", "ce"]


def test_metrics_given_by_name_take_the_scores_as_the_loss_does():
    p = 1 / (1 + np.exp(-np.float64(Z)))
    loss = -np.mean(NOISY * np.log(p) + (1 - NOISY) * np.log(1 - p))
    right, hits = np.mean((Z > 0) == NOISY), np.sum((Z > 0) * NOISY)
    area = roc_auc_score(NOISY[:, 0], Z[:, 0])
    wanted = [loss, right, right, right, area, hits / np.sum(Z > 0), hits / np.sum(NOISY), hits, loss, loss]
    net = model(BinaryCrossentropy(from_logits=True), NAMES)
    assert told(lambda: net.evaluate(Z, NOISY, verbose=0)) == []
    found = logs(net, NOISY)
    assert list(found) == ["loss", *NAMES]
    np.testing.assert_allclose(list(found.values()), wanted, rtol=2e-3)  # 200 thresholds
    found.pop("AUC"), wanted.pop(4)
    np.testing.assert_allclose(list(found.values()), wanted, rtol=1e-5)


def test_a_function_of_ours_given_as_a_metric_takes_logits_too():
    net = model(BinaryCrossentropy(from_logits=True), [pw.metrics.binary_accuracy])
    assert logs(net, SIGN)["binary_accuracy"] == 1


def test_metrics_over_classes_take_logits_too():
    net = model(CategoricalCrossentropy(from_logits=True), ["accuracy", "categorical_crossentropy"], units=3)
    found = logs(net, np.eye(3)[np.arange(40) % 3])
    np.testing.assert_allclose(found["categorical_crossentropy"], found["loss"], rtol=1e-6)


def test_each_output_goes_by_its_own_loss():
    x = pw.Input((1,))
    net = pw.Model(x, {"a": Dense(1, kernel_initializer="ones")(x), "b": Activation("sigmoid")(x)})
    losses = {"a": BinaryCrossentropy(from_logits=True), "b": "binary_crossentropy"}
    net.compile("sgd", losses, metrics={"a": ["accuracy"], "b": ["accuracy"]})
    found = net.evaluate(Z, {"a": SIGN, "b": SIGN}, verbose=0, return_dict=True)
    assert found["a_accuracy"] == found["b_accuracy"] == 1


@pytest.mark.parametrize(
    ("metric", "remedy"),
    [
        (pw.metrics.BinaryAccuracy, r"BinaryAccuracy\(threshold=0\)"),
        (pw.metrics.AUC, r"AUC\(from_logits=True\)"),
        (pw.metrics.Precision, r"Precision\(thresholds=0\)"),
        (pw.metrics.FalsePositives, r"FalsePositives\(thresholds=0\)"),
        (pw.metrics.BinaryCrossentropy, r"BinaryCrossentropy\(from_logits=True\)"),
    ],
)
@pytest.mark.few(2)
def test_a_metric_object_that_takes_logits_for_probabilities_is_told_with_a_remedy(metric, remedy):
    net = model(BinaryCrossentropy(from_logits=True), [metric(name="mine")])
    message = f"metric 'mine' takes the scores of output 'head' for probabilities, but its loss .*from_logits=True. .*{remedy}"
    with pytest.warns(LogitsWarning, match=message):
        net.fit(Z, SIGN, verbose=0)
    assert told(lambda: net.fit(Z, SIGN, verbose=0)) == []


@pytest.mark.parametrize(
    ("loss", "end", "units", "message"),
    [
        (
            "binary_crossentropy",
            None,
            1,
            "'head' has no activation, and its loss 'binary_crossentropy' takes its scores for probabilities.*"
            r"activation='sigmoid', or give the loss as BinaryCrossentropy\(from_logits=True\)",
        ),
        ("binary_crossentropy", "tanh", 1, "Output 'head' ends in tanh, and its loss"),
        ("binary_focal_crossentropy", "relu", 1, "Output 'head' ends in relu, and its loss"),
        (SPARSE, None, 3, r"activation='softmax', or give .* SparseCategoricalCrossentropy\(from_logits=True\)"),
        (
            BinaryCrossentropy(from_logits=True),
            "sigmoid",
            1,
            "ends in sigmoid, .* the probabilities are taken for logits",
        ),
        (SparseCategoricalCrossentropy(from_logits=True), "softmax", 3, "ends in softmax, and its loss"),
    ],
)
@pytest.mark.few(2)
def test_an_output_that_is_not_what_its_loss_takes_it_for_is_told_once_before_training(loss, end, units, message):
    net = model(loss, end=end, units=units)
    with pytest.warns(LogitsWarning, match=message) as caught:
        net.fit(Z, SIGN, verbose=0, epochs=2)
        net.evaluate(Z, SIGN, verbose=0)
    assert len([w for w in caught if w.category is LogitsWarning]) == 1


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ([Dense(1, activation="sigmoid")], "binary_crossentropy"),
        ([Dense(1), Activation("sigmoid")], "binary_crossentropy"),
        ([Dense(1, activation="sigmoid"), Dropout(0.1), Reshape((1,)), Activation("linear")], "binary_crossentropy"),
        ([Dense(2), Softmax()], SPARSE),
        ([Dense(2, activation="exponential")], SPARSE),
        ([Dense(1)], BinaryCrossentropy(from_logits=True)),
        ([Dense(1)], "mse"),
        ([pw.Sequential([pw.Input((1,)), Dense(1, activation="sigmoid")])], "binary_crossentropy"),
        ([Dense(1), Lambda(lambda x: pw.ops.sigmoid(x))], "binary_crossentropy"),
    ],
)
def test_what_is_right_is_not_told(layers, loss):
    net = pw.Sequential(layers)
    net.compile("sgd", loss, metrics=["accuracy"])
    assert told(lambda: net.evaluate(Z, SIGN, verbose=0)) == []


def test_the_activation_is_found_in_a_model_inside_and_behind_ops():
    x = pw.Input((1,))
    inside = pw.Model(x, [Dense(1, activation="sigmoid")(x), Dense(1)(x)])
    a, b = inside(x)
    for output, expected in (a, 0), (b, 1), (pw.ops.sigmoid(b), 0), (pw.activations.sigmoid(b), 0):
        net = pw.Model(x, output)
        net.compile("sgd", "binary_crossentropy")
        assert len(told(lambda net=net: net.evaluate(Z, SIGN, verbose=0))) == expected


@pytest.mark.parametrize("metric", ["accuracy", pw.metrics.AUC(), pw.metrics.Precision()])
def test_labels_that_a_metric_cannot_count_are_refused_though_the_loss_takes_them(metric):
    net = model("hinge", [metric])
    with pytest.raises(
        ValueError, match=r"is -1 in row \d+; the metric '\w+' needs .* 0 and 1. Labels -1 and 1 become 0 and 1"
    ):
        net.fit(Z, 2 * SIGN - 1, verbose=0)


class Scores(pw.Model):
    """A model of a user's own, which does not tell how it ends."""

    def __init__(self, end=None):
        super().__init__()
        self.head = Dense(1, kernel_initializer="ones", activation=end)

    def call(self, inputs):
        return self.head(inputs)


WAYS = {
    "fit": lambda net: net.fit(Z, SIGN, epochs=3, verbose=0),
    "evaluate": lambda net: net.evaluate(Z, SIGN, verbose=0),
    "train_on_batch": lambda net: net.train_on_batch(Z, SIGN),
    "test_on_batch": lambda net: net.test_on_batch(Z, SIGN),
    "fit that skips": lambda net: net.fit(Z, SIGN, on_nonfinite="skip", verbose=0),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.few(2)
def test_scores_outside_of_0_and_1_are_noticed_where_nothing_tells_how_the_model_ends(way):
    net = Scores()
    net.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    (text,) = told(lambda: [WAYS[way](net), WAYS[way](net)])
    assert text.startswith(
        "The loss 'binary_crossentropy' takes the scores of output 'output' for probabilities, and some lay "
    )
    assert "If they are logits, say so with from_logits=True" in text
    assert net.metrics_names == ["loss", "accuracy"]


def test_scores_that_an_area_does_not_reach_are_noticed_and_probabilities_and_logits_are_not():
    for end, loss, metrics, expected in (
        (None, "mse", [pw.metrics.AUC()], 1),
        ("sigmoid", "binary_crossentropy", [pw.metrics.AUC()], 0),
        (None, BinaryCrossentropy(from_logits=True), ["AUC"], 0),
        (None, "mse", ["mae"], 0),
    ):
        net = Scores(end)
        net.compile("sgd", loss, metrics=metrics)
        assert len(told(lambda net=net: net.evaluate(Z, SIGN, verbose=0))) == expected
