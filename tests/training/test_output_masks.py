"""Places of padding, as the mask of an output says, count neither in the loss nor in metrics that are means: as in Keras."""

import keras
import numpy as np
import pytest

import phasewise as pw

IDS = np.array([[1, 2, 3, 0], [4, 5, 0, 0], [1, 1, 6, 6], [2, 0, 0, 0], [3, 3, 3, 0]])
RNG = np.random.default_rng(0)
VALUES, YES, CLASSES = RNG.normal(size=(5, 4, 1)), RNG.integers(0, 2, (5, 4)), RNG.integers(0, 3, (5, 4))
EACH = RNG.uniform(0.5, 2, (5, 4))
CASES = {
    "mse": ({"units": 1}, "mse", ["mae"], VALUES),
    "binary": ({"units": 1, "activation": "sigmoid"}, "binary_crossentropy", ["mse"], YES[..., None]),
    "classes": ({"units": 3, "activation": "softmax"}, "sparse_categorical_crossentropy", ["accuracy"], CLASSES),
}


def built(K, head, loss, metrics, **weighted):
    model = K.Sequential(
        [K.Input((4,), dtype="int32"), K.layers.Embedding(7, 6, mask_zero=True), K.layers.Dense(**head)]
    )
    model.compile(K.optimizers.SGD(0.1), loss, metrics=metrics, **weighted)
    return model


@pytest.mark.parametrize("weights", [None, RNG.uniform(0.5, 2, 5)], ids=["unweighted", "weighted rows"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.few(2)
def test_fit_and_evaluate_agree_with_keras_short_batches_included(case, weights):
    head, loss, metrics, y = CASES[case]
    models = [built(K, head, loss, metrics, weighted_metrics=metrics) for K in (pw, keras)]
    first = [RNG.normal(size=w.shape) for w in models[1].get_weights()]
    found = []
    for model in models:
        model.set_weights(first)
        # Keras's own weights of rows broadcast from the right, so that they come with an axis more.
        given = weights if weights is None or model is models[0] else weights[:, None]
        history = model.fit(IDS, y, sample_weight=given, batch_size=2, epochs=3, shuffle=False, verbose=0).history
        scores = model.evaluate(IDS, y, sample_weight=given, batch_size=2, verbose=0, return_dict=True)
        found.append(
            [*history["loss"], *(scores[name] for name in sorted(scores)), *(w.sum() for w in model.get_weights())]
        )
    np.testing.assert_allclose(*found, rtol=2e-5)


def test_one_weight_for_each_place_goes_with_the_mask():
    model = built(pw, {"units": 1}, "mse", [], weighted_metrics=["mse"])
    error = np.square(model.predict(IDS, verbose=0) - VALUES)[..., 0]
    scores = model.evaluate(IDS, VALUES, sample_weight=EACH, verbose=0, return_dict=True)
    real = IDS != 0
    np.testing.assert_allclose(scores["loss"], (EACH * error)[real].sum() / real.sum(), rtol=1e-5)
    np.testing.assert_allclose(scores["mse"], (EACH * error)[real].sum() / EACH[real].sum(), rtol=1e-5)


def test_labels_without_the_last_axis_count_place_by_place():
    """(rows, places) for an output (rows, places, 1): the values of a row are not averaged before padding is left out."""
    whole, flat = (
        built(pw, {"units": 1, "activation": "sigmoid"}, "binary_crossentropy", ["accuracy"]) for _ in range(2)
    )
    whole.set_weights([RNG.normal(size=w.shape) for w in whole.get_weights()])
    flat.set_weights(whole.get_weights())
    scores = [whole.evaluate(IDS, YES[..., None], verbose=0), flat.evaluate(IDS, YES, verbose=0)]
    np.testing.assert_allclose(*scores, rtol=1e-6)
    right = ((whole.predict(IDS, verbose=0)[..., 0] > 0.5) == YES)[IDS != 0]
    np.testing.assert_allclose(scores[0][1], right.mean(), rtol=1e-6)


def test_labels_of_padding_have_no_say_and_no_gradient():
    models = [built(pw, {"units": 1}, "mse", ["mae"]) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    other = np.where((IDS != 0)[..., None], VALUES, 1e3)
    logs = [m.fit(IDS, y, shuffle=False, epochs=2, verbose=0).history for m, y in zip(models, (VALUES, other))]
    assert logs[0] == logs[1]
    for a, b in zip(*(m.get_weights() for m in models)):
        np.testing.assert_array_equal(a, b)


def test_a_loss_whose_call_is_its_users_goes_on_as_it_did():
    class Mine(pw.losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return ((y_true - y_pred) ** 2).mean()

    model = built(pw, {"units": 1}, Mine(), [])
    error = np.square(model.predict(IDS, verbose=0) - VALUES)
    np.testing.assert_allclose(model.evaluate(IDS, VALUES, verbose=0), error.mean(), rtol=1e-5)
