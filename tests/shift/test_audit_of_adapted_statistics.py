"""audit and Monitor of `Normalization`: its statistics are of the training data as well, and data can leave them."""

import warnings

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers


def rows(count, seed=0):
    x = np.random.default_rng(seed).normal(size=(count, 3)) * [1, 20, 0.1] + [5, 0, 1]
    return np.insert(x, 3, 7.0, axis=1).astype("float32")  # the last feature is constant


def model_of(normalization, shape, hidden=()):
    x = h = pw.Input(shape)
    for layer in (normalization, *hidden):
        h = layer(h)
    return pw.Model(x, layers.Dense(3, activation="softmax")(layers.Flatten()(h)))


@pytest.fixture(scope="module")
def model():
    pw.set_random_seed(0)
    pixels = layers.Normalization(name="pixels")
    pixels.adapt(rows(4000, seed=9))
    made = model_of(pixels, (4,), [layers.Dense(4, activation="tanh"), layers.BatchNormalization(name="bn")])
    pw.recalibrate(made, rows(4000, seed=9), verbose=0)
    return made


def test_data_that_fit_raise_no_alarm_and_a_shift_begins_at_the_input(model):
    assert not pw.audit(model, rows(500)).is_shifted
    moved = rows(500) + np.float32([0, 10, 0, 0])
    found = pw.audit(model, moved)
    assert [layer.layer for layer in found.layers] == ["pixels", "bn"]
    assert (found.verdict.first, found.verdict.begins) == ("pixels", "at the input")
    pixels = model.get_layer("pixels")
    mean, deviation = np.asarray(pixels.mean)[0], np.sqrt(np.asarray(pixels.variance)[0])
    wanted = (moved.astype(np.float64).mean(0) - mean)[:3] / deviation[:3]
    np.testing.assert_allclose(found["pixels"].displacement[:3], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found["pixels"].affected, [False, True, False, False])


def test_a_feature_that_was_constant_fits_while_it_stays_and_is_off_when_it_does_not(model):
    assert pw.audit(model, rows(500))["pixels"].displacement[3] == 0
    found = pw.audit(model, rows(500) + np.float32([0, 0, 0, 0.5]))
    assert found.verdict.first == "pixels" and found["pixels"].affected.tolist() == [False, False, False, True]


def test_how_many_rows_stand_behind_the_statistics_is_what_adapt_saw(model, tmp_path):
    assert pw.audit(model, rows(100))["pixels"].evidence.rows == 4000
    model.save(tmp_path / "net.keras")
    opened = pw.audit(pw.saving.load_model(tmp_path / "net.keras"), rows(100))
    assert opened["pixels"].evidence.source == "unknown" and not opened.is_shifted
    assert (
        "How many rows a Normalization was adapted to is not known" in opened.report(tmp_path / "page.html").read_text()
    )


def test_a_model_without_batch_normalization_is_told_what_it_can_do():
    pixels = layers.Normalization(name="pixels", mean=[0, 1], variance=[1, 4])
    found = pw.audit(model_of(pixels, (2,)), np.random.default_rng(0).normal(size=(200, 2)).astype("float32"))
    assert found.is_shifted and found["pixels"].displacement[1] == pytest.approx(-0.5, abs=0.1)
    assert [each.statistics for each in found.remedies.tried] == ["moving"]
    assert "no batch normalization that could take other statistics" in str(found)
    assert "call adapt(data) of 'pixels'" in str(found)


@pytest.mark.parametrize("axis, channels", [(-1, 3), (None, 1), ((1, 3), 12)])
def test_pictures_of_bytes_are_rows_of_positions_whatever_axes_are_kept(axis, channels):
    rng = np.random.default_rng(1)
    photos = rng.integers(0, 256, (300, 4, 5, 3)).astype("uint8")
    layer = layers.Normalization(axis=axis, name="photo")
    layer.adapt(photos)
    made = model_of(layer, (4, 5, 3))
    fits = pw.audit(made, photos)["photo"]
    assert fits.displacement.shape == (channels,) and fits.positions == 60 / channels
    np.testing.assert_allclose(fits.displacement, 0, atol=1e-5)
    np.testing.assert_allclose(fits.log_ratio, 0, atol=1e-5)
    dark = pw.audit(made, photos // 2)["photo"]
    assert dark.is_shifted and (dark.displacement < -0.5).all()


def test_what_undoes_a_normalization_is_not_audited():
    layer = layers.Normalization(mean=[0.0, 0], variance=[1.0, 1], invert=True)
    with pytest.raises(ValueError, match="calls no layer with moving statistics"):
        pw.audit(model_of(layer, (2,)), np.zeros((20, 2), "float32"))


def test_a_monitor_looks_on_at_it_too(model):
    for move, alarmed in ((0, False), (10, True)):
        with pw.Monitor(model, on_shift=lambda alarm: None) as monitor, warnings.catch_warnings():
            monitor._seconds = 1e9
            for seed in range(8):
                model.predict(rows(128, seed) + np.float32([0, move, 0, 0]), verbose=0)
        assert (monitor.alarm is not None) == alarmed
        assert not alarmed or (monitor.alarm.layer, monitor.alarm.channel) == ("pixels", 1)
