"""Losses of regions, of rows compared with one another, and of sequences: against Keras, from first principles, and under a mask."""

import itertools

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from phasewise.warning import LogitsWarning

import phasewise as pw
from parity import close
from phasewise import losses

RNG = np.random.default_rng(5)
SPELT = np.array([[1, 2, 2, 0], [3, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]])
FRAMES = RNG.normal(0, 2, (4, 6, 4)).astype(np.float32)
NAMES = np.array([0, 1, 0, 2, 1, 0, 3])
FACES = RNG.normal(size=(7, 5)).astype(np.float32)
FACES /= np.linalg.norm(FACES, axis=1, keepdims=True)
IMAGES, PAINTED = RNG.integers(0, 2, (3, 4, 2)), RNG.uniform(0.05, 0.95, (3, 4, 2)).astype(np.float32)
WEIGHTS = np.float32([1, 0, 2, 0.5, 3, 1, 0.25])


def of_both(ours, theirs, y_true, y_pred):
    """Loss, loss with weights, and gradient, of both in one program."""
    weights = WEIGHTS[: len(y_pred)]

    def of(loss):
        return jax.value_and_grad(lambda p: loss(y_true, p))(y_pred), loss(y_true, y_pred, sample_weight=weights)

    return jax.jit(lambda: (of(ours), of(theirs)))()


@pytest.mark.few(4)
@pytest.mark.parametrize("options", [{}, {"gamma": 10.0, "margin": 0.2, "remove_diagonal": False}])
@pytest.mark.parametrize("names", [NAMES, NAMES[:, None], np.zeros(7, int), np.arange(7)])
def test_circle_agrees_with_keras(options, names):
    ours, theirs = of_both(losses.Circle(**options), keras.losses.Circle(**options), names, jnp.asarray(FACES))
    close(ours, theirs)


def test_circle_against_other_rows_agrees_with_keras():
    options = {"ref_labels": NAMES[:4], "ref_embeddings": FACES[3::-1], "gamma": 20, "margin": 0.3}
    for same in (True, False):
        mine = losses.circle(NAMES, FACES, remove_diagonal=same, **options)
        np.testing.assert_allclose(mine, keras.losses.circle(NAMES, FACES, remove_diagonal=same, **options), rtol=1e-5)


def test_rows_that_are_masked_out_are_compared_with_nothing():
    keep = np.array([True, True, True, False, False, True, True])
    value = losses.Circle()(NAMES, FACES, mask=keep)
    np.testing.assert_allclose(value, losses.Circle()(NAMES[keep], FACES[keep]), rtol=1e-6)


@pytest.mark.extensive
def test_ctc_agrees_with_keras():
    ours, theirs = of_both(losses.CTC(), keras.losses.CTC(), SPELT, jnp.asarray(FRAMES))
    close(ours, theirs)
    close(losses.ctc(SPELT, FRAMES[:, :2]), keras.losses.ctc(SPELT, FRAMES[:, :2]))  # some do not fit


def test_ctc_is_minus_the_log_of_all_alignments_that_spell_the_labels():
    frames, spelt = np.float64(FRAMES[0, :4, :3]), (1, 2)
    p = np.exp(frames) / np.exp(frames).sum(1, keepdims=True)

    def says(path):
        return tuple(label for label, _ in itertools.groupby(path) if label)

    paths = [path for path in itertools.product(range(3), repeat=4) if says(path) == spelt]
    wanted = -np.log(sum(np.prod([p[t, label] for t, label in enumerate(path)]) for path in paths))
    np.testing.assert_allclose(losses.ctc([[1, 2, 0]], FRAMES[:1, :4, :3]), [wanted], rtol=1e-5)


@pytest.mark.extensive
def test_a_mask_of_time_steps_says_how_long_each_row_is():
    lengths, filled = np.array([6, 3, 5, 0]), FRAMES.copy()
    present = np.arange(6) < lengths[:, None]
    filled[~present] = np.nan
    value, slope = jax.value_and_grad(lambda p: losses.CTC()(SPELT, p, mask=present))(jnp.asarray(filled))
    wanted = [losses.ctc(SPELT[i : i + 1], FRAMES[i : i + 1, :n])[0] for i, n in enumerate(lengths[:3])]
    np.testing.assert_allclose(value, np.mean(wanted), rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(slope)[~present], 0)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("loss", [losses.Dice, losses.Tversky])
@pytest.mark.parametrize("axis", [None, (1, 2)])
def test_what_is_masked_out_belongs_to_no_region(loss, axis):
    loss = loss(axis=axis)
    np.testing.assert_allclose(
        loss(IMAGES, PAINTED, mask=np.array([True, False, True])), loss(IMAGES[::2], PAINTED[::2]), rtol=1e-6
    )
    part = np.tile([True, True, False, False], (3, 1))
    np.testing.assert_allclose(loss(IMAGES, PAINTED, mask=part), loss(IMAGES[:, :2], PAINTED[:, :2]), rtol=1e-6)
    weights = np.float32([1, 2, 3])
    value = loss(IMAGES, PAINTED, weights, np.array([True, True, False]))
    np.testing.assert_allclose(value, loss(IMAGES[:2], PAINTED[:2], weights[:2]), rtol=1e-6)
    assert loss(IMAGES, PAINTED, mask=np.zeros(3, bool)) == 0


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (losses.Dice(), IMAGES.reshape(6, 4)),
        (losses.Dice(axis=0), IMAGES.reshape(6, 4)),
        (losses.Circle(), np.array([0, 1, 1, 0, 2, 2])),
        (losses.CosineSimilarity(axis=0), IMAGES.reshape(6, 4)),
        (losses.BinaryCrossentropy(axis=0), IMAGES.reshape(6, 4)),
    ],
    ids=lambda given: getattr(given, "name", ""),
)
@pytest.mark.extensive
def test_a_short_batch_of_a_loss_that_compares_rows_holds_its_rows_alone(loss, y):
    x = RNG.uniform(0.1, 0.9, (6, 4)).astype(np.float32)
    model = pw.Sequential([pw.Input((4,)), pw.layers.Activation("sigmoid")])
    model.compile("sgd", loss)
    p = model.predict(x, verbose=0)
    wanted = (4 * loss(y[:4], p[:4]) + 2 * loss(y[4:], p[4:])) / 6
    np.testing.assert_allclose(model.evaluate(x, y, batch_size=4, verbose=0), wanted, rtol=1e-5)


def trained(loss, x, y, *layers):
    model = pw.Sequential([pw.Input(x.shape[1:]), *layers])
    model.compile("sgd", loss)
    return model.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("loss", "x", "y", "message"),
    [
        (
            "ctc",
            FRAMES,
            SPELT[:, 0],
            r"ctc takes class numbers \(rows, labels\) and logits .*; got labels of shape \(\d+,\) and output '.*' of shape \(\d+, 6, 4\)",
        ),
        ("ctc", FRAMES, SPELT - 1, r"A label of output '.*' is -1 in row 0; ctc needs every label to be in \[0, 3\]"),
        ("ctc", FRAMES, SPELT[:, ::-1], r"The labels of output '.*' of row 0 have a 0 before a label: 0 is the blank"),
        (
            "circle",
            FACES,
            np.eye(7),
            r"circle cannot compare labels of shape \(\d+, 7\) and output '.*' of shape \(\d+, 5\)",
        ),
        (
            "dice",
            PAINTED,
            2 * IMAGES,
            r"A label of output '.*' is 2 in row .*; dice needs every label to be between 0 and 1",
        ),
        ("dice", PAINTED, IMAGES[:, :, 0], r"dice cannot compare labels of shape \(\d+, 4\) and output"),
    ],
)
def test_labels_that_do_not_fit_are_refused_before_training(loss, x, y, message):
    with pytest.raises(ValueError, match=message):
        trained(loss, x, y, pw.layers.Activation("sigmoid" if loss == "dice" else None))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.ctc(SPELT, FRAMES[:3]), r"got labels of shape \(4, 4\) and predictions of shape \(3, 6, 4\)"),
        (lambda: losses.ctc([[0, 1]], FRAMES[:1]), r"The labels of row 0 have a 0 before a label"),
        (lambda: losses.ctc([[4]], FRAMES[:1]), r"A label is 4 in row 0; ctc needs every label to be in \[0, 3\]"),
        (
            lambda: losses.circle(NAMES[:3], FACES),
            r"one class number a row and embeddings .*; got labels of shape \(3,\) and predictions of shape \(7, 5\)",
        ),
        (
            lambda: losses.dice(IMAGES, PAINTED[:, :, :1]),
            r"dice takes labels and predictions of one shape; got .*\(3, 4, 2\) and .*\(3, 4, 1\). Class numbers become one-hot",
        ),
        (
            lambda: losses.tversky(3 * IMAGES, PAINTED),
            r"A label is 3 .*; tversky needs every label to be between 0 and 1",
        ),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_scores_of_regions_that_are_no_probabilities_are_told():
    with pytest.warns(LogitsWarning, match=r"dice takes scores for probabilities, and was given -3.98"):
        losses.dice(IMAGES, PAINTED - 4.05)
    with pytest.warns(LogitsWarning, match=r"has no activation, and its loss 'dice' .*end in activation='sigmoid'"):
        trained("dice", PAINTED, IMAGES, pw.layers.Dense(2))
