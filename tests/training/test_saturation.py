"""A sigmoid or softmax output and its cross-entropy: computed from the logits, however far these are from zero."""

import warnings

import numpy as np
import pytest

import phasewise as pw
from phasewise import activations, layers, losses, ops

Z = np.float32([[500], [250], [-500], [-20], [0]])  # logits
LABELS = np.float32([0, 1, 1, 0, 1])
WEIGHTS = np.float32([5, 1, 2, 3, 1])
ZS = np.float32([[300, 0, -200], [150, 0, -100], [-300, 0, 200], [-12, 0, 8], [0, 0, 0]])
CLASSES = np.array([2, 0, 0, 1, 1])


class Subclassed(pw.Model):
    def __init__(self, function, units):
        super().__init__()
        self.dense, self.function = layers.Dense(units, use_bias=False), function

    def call(self, x):
        return self.function(self.dense(x))


def built(model, shape):
    model.build(shape)
    return model


def functional(function, units):
    inputs = pw.Input((units,))
    return pw.Model(inputs, function(layers.Dense(units, use_bias=False)(inputs)))


def chain(units, activation, *after):
    return pw.Sequential([pw.Input((units,)), layers.Dense(units, activation, use_bias=False), *after])


SIGMOIDS = {
    "activation=": lambda: chain(1, "sigmoid"),
    "function as activation=": lambda: chain(1, activations.sigmoid),
    "Activation layer": lambda: chain(1, None, layers.Activation("sigmoid")),
    "cast to float32 behind it": lambda: chain(1, "sigmoid", layers.Identity(dtype="float32")),
    "Reshape behind it": lambda: chain(1, "sigmoid", layers.Reshape((1, 1)), layers.Flatten()),
    "ops at the end of a graph": lambda: functional(ops.sigmoid, 1),
    "ops.squeeze behind it": lambda: functional(lambda x: ops.squeeze(ops.sigmoid(x), -1), 1),
    "subclass": lambda: built(Subclassed(activations.sigmoid, 1), (None, 1)),
    "model in a model": lambda: pw.Sequential([pw.Input((1,)), chain(1, "sigmoid")]),
}
SOFTMAXES = {
    "activation=": lambda: chain(3, "softmax"),
    "Softmax layer": lambda: chain(3, None, layers.Softmax()),
    "Activation layer": lambda: chain(3, None, layers.Activation("softmax")),
    "ops at the end of a graph": lambda: functional(ops.softmax, 3),
    "subclass": lambda: built(Subclassed(activations.softmax, 3), (None, 3)),
}


def passing(model, loss, **compiling):
    """Compiled for plain gradient descent; the kernel is an identity, so that the inputs are the logits."""
    model.compile(pw.optimizers.SGD(1.0), loss, **compiling)
    model.set_weights([np.eye(*model.get_weights()[0].shape)])
    return model


def trained(model, loss, z, y, weights=None):
    """(loss, gradient of the kernel) of one step of gradient descent; all methods agree about them."""
    model = passing(model, loss)
    (kernel,) = model.get_weights()
    evaluated = model.evaluate(z, y, sample_weight=weights, verbose=0)
    tested = model.test_on_batch(z, y, sample_weight=weights)
    history = model.fit(z, y, batch_size=5, shuffle=False, sample_weight=weights, verbose=0).history
    gradient = kernel - model.get_weights()[0]
    model.set_weights([kernel])
    on_batch = model.train_on_batch(z, y, sample_weight=weights)
    np.testing.assert_allclose([evaluated, tested, on_batch], history["loss"] * 3, rtol=1e-6)
    np.testing.assert_allclose(kernel - model.get_weights()[0], gradient, rtol=1e-6)
    return on_batch, gradient


def binary_reference(smoothing=0.0, weights=1.0):
    """Loss and gradient of the kernel in float64, from the definition."""
    y, z = LABELS * (1 - smoothing) + smoothing / 2, np.float64(Z[:, 0])
    p = np.exp(-np.logaddexp(0, -z))
    values = y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)
    return (values * weights).mean(), [[((p - y) * weights * z).mean()]]


def class_reference(smoothing=0.0):
    y, z = np.eye(3)[CLASSES] * (1 - smoothing) + smoothing / 3, np.float64(ZS)
    logs = z - z.max(1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(1, keepdims=True))
    return -(y * logs).sum(1).mean(), z.T @ (np.exp(logs) - y) / len(z)


def assert_right(found, wanted):
    for ours, exact in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("way", SIGMOIDS)
@pytest.mark.few(3)
@pytest.mark.extensive
def test_a_sigmoid_output_is_learnt_from_however_wrong_it_is(way):
    assert_right(trained(SIGMOIDS[way](), "binary_crossentropy", Z, LABELS), binary_reference())


@pytest.mark.parametrize("way", SOFTMAXES)
@pytest.mark.few(2)
def test_a_softmax_output_is_learnt_from_however_wrong_it_is(way):
    assert_right(trained(SOFTMAXES[way](), "sparse_categorical_crossentropy", ZS, CLASSES), class_reference())


@pytest.mark.parametrize(
    "loss",
    [
        "bce",
        losses.binary_crossentropy,
        losses.BinaryCrossentropy(),
        lambda y_true, y_pred: losses.binary_crossentropy(y_true, y_pred),
        {"head": "binary_crossentropy"},
        ["binary_crossentropy"],
    ],
    ids=["name", "function", "object", "function of a user's that calls it", "dict", "list"],
)
@pytest.mark.few(2)
def test_however_the_loss_is_given(loss):
    inputs = pw.Input((1,))
    model = pw.Model(inputs, layers.Dense(1, "sigmoid", use_bias=False, name="head")(inputs))
    assert_right(trained(model, loss, Z, LABELS[:, None]), binary_reference())


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_smoothed_labels_and_weights_keep_their_meaning(shape):
    loss = losses.BinaryCrossentropy(label_smoothing=0.2)
    found = trained(SIGMOIDS["activation="](), loss, Z, LABELS.reshape(shape), WEIGHTS)
    assert_right(found, binary_reference(0.2, WEIGHTS))


def test_one_hot_and_smoothed_labels_of_a_softmax():
    y = np.eye(3, dtype="float32")[CLASSES]
    loss = losses.CategoricalCrossentropy(label_smoothing=0.3)
    assert_right(trained(SOFTMAXES["activation="](), loss, ZS, y), class_reference(0.3))


def test_focal_losses_too():
    # (1 - p)^gamma is 1 for a label of probability 0.
    model = passing(chain(1, "sigmoid"), "binary_focal_crossentropy")
    np.testing.assert_allclose(model.evaluate(Z[:1], LABELS[:1], verbose=0), 500.0, rtol=1e-6)
    model = passing(chain(3, "softmax"), "categorical_focal_crossentropy")
    np.testing.assert_allclose(model.evaluate(ZS[:1], np.float32([[0, 0, 1]]), verbose=0), 0.25 * 500.0, rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.extensive
def test_a_focal_loss_and_its_gradient_are_right_however_wrong_or_sure_the_logit_is(gamma):
    z, y = np.float64(Z[:, 0]), LABELS
    sign = 2 * y - 1
    log_p, log_q = -np.logaddexp(0, -sign * z), -np.logaddexp(0, sign * z)  # of the label, and of the other
    value = np.exp(gamma * log_q) * -log_p
    slope = -sign * np.exp(gamma * log_q) * (np.exp(log_q) - gamma * np.exp(log_p) * log_p)
    found = trained(chain(1, "sigmoid"), losses.BinaryFocalCrossentropy(gamma=gamma), Z, LABELS)
    assert_right(found, (value.mean(), [[(slope * z).mean()]]))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.extensive
def test_a_focal_loss_of_classes_has_a_finite_gradient_however_sure_it_is(gamma):
    logs = np.float64(ZS) - np.logaddexp.reduce(np.float64(ZS), 1, keepdims=True)
    p, y = np.exp(logs), np.eye(3)[CLASSES]
    rest = -np.expm1(logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_log = np.where(rest > 0, rest**gamma - gamma * rest ** (gamma - 1) * p * logs, 0.0**gamma)
    by_log = -0.25 * y * np.where(y > 0, by_log, 0)
    gradient = by_log - p * by_log.sum(1, keepdims=True)
    loss = losses.CategoricalFocalCrossentropy(gamma=gamma)
    value, found = trained(chain(3, "softmax"), loss, ZS, np.float32(y))
    np.testing.assert_allclose(value, -0.25 * (y * rest**gamma * logs).sum(1).mean(), rtol=1e-5)
    gradient = np.float64(ZS).T @ gradient / len(ZS)
    np.testing.assert_allclose(found, gradient, rtol=1e-5, atol=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("loss", ["kl_divergence", "kld", losses.kl_divergence, losses.KLDivergence()])
@pytest.mark.extensive
def test_the_divergence_of_a_softmax_has_no_bound(loss):
    soft = np.float32([[0.7, 0.1, 0.2]] * 3 + [[0, 1, 0]] * 2)
    logs = np.float64(ZS) - np.logaddexp.reduce(np.float64(ZS), 1, keepdims=True)
    y = np.float64(soft)
    entropy = (y * np.log(np.where(y > 0, y, 1))).sum(1)
    wanted = (entropy - (y * logs).sum(1)).mean(), np.float64(ZS).T @ (np.exp(logs) * y.sum(1, keepdims=True) - y) / 5
    assert_right(trained(chain(3, "softmax"), loss, ZS, soft), wanted)


def test_the_divergence_of_sigmoids_has_no_bound_and_is_what_a_metric_of_it_says():
    model = passing(chain(1, "sigmoid"), "kl_divergence", metrics=["kl_divergence"])
    found = model.evaluate(Z, LABELS, verbose=0)
    np.testing.assert_allclose(found, [np.mean(LABELS * np.logaddexp(0, -np.float64(Z[:, 0])))] * 2, rtol=1e-5)


def test_a_loss_that_is_robust_to_wrong_labels_has_a_gradient_where_the_softmax_is_0():
    q, z = 0.1, np.float32([[110.0, 0.0, -200.0]])
    value, gradient = trained(chain(3, "softmax"), losses.CategoricalGeneralizedCrossEntropy(q), z, np.array([1]))
    power = np.exp(-110 * q)
    np.testing.assert_allclose(value, (1 - power) / q, rtol=1e-6)
    np.testing.assert_allclose(gradient[0], 110 * np.array([power, -power, 0]), rtol=1e-3, atol=1e-9)


def of_logits_alone(activation, loss, z, y, **options):
    """The loss of the layer `activation` on the logits `z`."""
    model = pw.Sequential([pw.Input(z.shape[1:]), activation])
    model.compile("sgd", loss, **options)
    return model.evaluate(z, y, verbose=0)


def test_sigmoids_that_are_divided_by_their_sum():
    z, y = np.float32([[50, -200, 3]]), np.float32([[0, 1, 0]])
    logs = -np.logaddexp(0, -np.float64(z[0]))
    value = of_logits_alone(layers.Activation("sigmoid"), "categorical_crossentropy", z, y)
    np.testing.assert_allclose(value, np.log(np.exp(logs).sum()) - logs[1], rtol=1e-6)


def test_classes_along_another_axis():
    z, y = np.moveaxis(ZS[None], 1, 2), np.moveaxis(np.eye(3)[CLASSES][None], 1, 2)
    value = of_logits_alone(layers.Softmax(axis=1), losses.CategoricalCrossentropy(axis=1), z, y)
    np.testing.assert_allclose(value, class_reference()[0], rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_saturates_sooner_and_is_no_other_case(policy):
    value = of_logits_alone(layers.Activation("sigmoid", dtype=policy), "binary_crossentropy", Z, LABELS)
    np.testing.assert_allclose(value, binary_reference()[0], rtol=1e-3)  # 8 binary digits hold 500 and 250


def test_logits_that_are_not_finite_are_located():
    model = pw.Sequential([pw.Input((1,)), layers.Dense(1, "sigmoid", name="head")])
    model.compile("sgd", "binary_crossentropy")
    model.get_layer("head").set_weights([[[1e38]], [0]])
    z = np.float32([[0], [1], [-500], [1]])
    with pytest.raises(
        pw.NonFiniteError, match=r"into the sigmoid or softmax of layer 'head' \(Dense\) is not finite in row 2"
    ):
        model.fit(z, np.ones(4), shuffle=False, verbose=0)


def test_an_ignored_class_stays_ignored():
    model = passing(chain(3, "softmax"), losses.SparseCategoricalCrossentropy(ignore_class=-1))
    np.testing.assert_allclose(model.evaluate(ZS[:2], np.array([2, -1]), verbose=0), 500.0, rtol=1e-6)


def test_padded_rows_do_not_count():
    model = passing(chain(1, "sigmoid"), "binary_crossentropy")
    value = model.evaluate(Z, LABELS, batch_size=2, verbose=0)
    np.testing.assert_allclose(value, binary_reference()[0], rtol=1e-5)


def test_each_of_several_outputs_has_its_own_logits():
    yes, kind = pw.Input((1,), name="z"), pw.Input((3,), name="zs")
    outputs = {"yes": layers.Activation("sigmoid")(yes), "kind": layers.Activation("softmax")(kind)}
    model = pw.Model([yes, kind], outputs)
    model.compile("sgd", {"yes": "binary_crossentropy", "kind": "sparse_categorical_crossentropy"})
    logs = model.evaluate([Z, ZS], {"yes": LABELS, "kind": CLASSES}, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["yes_loss"], binary_reference()[0], rtol=1e-5)
    np.testing.assert_allclose(logs["kind_loss"], class_reference()[0], rtol=1e-5)


def test_metrics_are_given_probabilities_and_a_cross_entropy_among_them_agrees_with_the_loss():
    def largest(y_true, y_pred):
        return y_pred.max() + 0 * y_pred

    model = passing(chain(1, "sigmoid"), "binary_crossentropy", metrics=["accuracy", "bce", largest])
    logs = model.evaluate(Z, LABELS, verbose=0, return_dict=True)
    assert logs["largest"] == 1.0
    np.testing.assert_allclose(logs["accuracy"], 0.4)
    np.testing.assert_allclose(logs["bce"], logs["loss"], rtol=1e-6)


class Shifted(pw.Layer):
    """Its input plus a weight of zeros, whose gradient is that of the logits."""

    def build(self, input_shape):
        self.shift = self.add_weight(input_shape[1:], "zeros", name="shift")

    def call(self, x):
        return x + self.shift.value


@pytest.fixture
def of_logits():
    """Loss and gradient with respect to three logits."""
    model = pw.Sequential([pw.Input((3,)), Shifted(), layers.Softmax()])
    model.compile(pw.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    return lambda z, label: (model.train_on_batch(np.float32([z]), np.array([label])), -model.get_weights()[0])


def test_a_right_and_confident_prediction_keeps_the_digits_of_loss_and_gradient(of_logits):
    value, gradient = of_logits([20, 0, -3], 0)
    others = np.exp(np.float64([-20, -23]))
    np.testing.assert_allclose(value, np.log1p(others.sum()), rtol=1e-5)
    np.testing.assert_allclose(gradient, [-others.sum() / (1 + others.sum()), *others / (1 + others.sum())], rtol=1e-5)


def test_equal_logits_share_their_gradient(of_logits):
    value, gradient = of_logits([7, 7, 7], 1)
    np.testing.assert_allclose(value, np.log(3), rtol=1e-6)
    np.testing.assert_allclose(gradient, [1 / 3, -2 / 3, 1 / 3], rtol=1e-6)


def test_what_is_not_the_activations_own_result_counts_as_it_is():
    inputs = pw.Input((1,))
    model = passing(pw.Model(inputs, 0.5 * layers.Dense(1, "sigmoid", use_bias=False)(inputs)), "binary_crossentropy")
    np.testing.assert_allclose(model.evaluate(Z[:1], LABELS[:1], verbose=0), np.log(2), rtol=1e-6)


def test_probabilities_that_are_taken_for_logits_are_told():
    loss = losses.BinaryCrossentropy(from_logits=True)
    with pytest.warns(pw.warning.PhasewiseWarning, match=r"from_logits=True\) is given the output of a sigmoid"):
        passing(chain(1, "sigmoid"), loss).evaluate(Z, LABELS, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        passing(chain(1, None), loss).evaluate(Z, LABELS, verbose=0)
