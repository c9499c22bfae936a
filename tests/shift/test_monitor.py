"""Monitor: looks on while a model predicts; an alarm is hardly ever false, however long it looks."""

import pickle
import types

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers
from phasewise.kernels.row_moments import SUMS, RowSums
from phasewise.shift.sequential_test import SequentialTest


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.fixture(scope="module")
def model():
    pw.set_random_seed(3)
    x = pw.Input((4,))
    h = layers.BatchNormalization(name="first")(x)
    h = layers.BatchNormalization(name="second")(layers.Dense(6, activation="tanh")(h))
    made = pw.Model(x, layers.Dense(3, activation="softmax")(h), name="net")
    pw.recalibrate(made, normal(4000, 4, seed=9), verbose=0)
    return made


def looking_always(model, **options):
    """A monitor that thinks predictions take very long, and so looks at each."""
    monitor = pw.Monitor(model, **options)
    monitor._seconds = 1e9
    return monitor


def test_predictions_are_the_same_to_the_bit_while_someone_looks_on(model):
    x = normal(100, 4)
    plain = model.predict(x, verbose=0)
    with looking_always(model) as monitor:
        np.testing.assert_array_equal(model.predict(x, verbose=0), plain)
        assert monitor.rows == 100 and monitor.alarm is None
    np.testing.assert_array_equal(model.predict(x, verbose=0), plain)


def test_a_shift_is_told_once_with_its_layer_and_channel(model):
    with looking_always(model) as monitor:
        model.predict(normal(500, 4), verbose=0)
        assert monitor.alarm is None
        moved = normal(300, 4, seed=1) + np.float32([0, 0, 1, 0])
        with pytest.warns(
            pw.warning.ShiftWarning, match="has shifted: it shows in 'first', channel 2 .*after 800 rows"
        ):
            model.predict(moved, verbose=0)
        found = monitor.alarm
        assert (found.layer, found.channel, found.kind) == ("first", 2, "displaced")
        x = np.concatenate([normal(500, 4), moved])[:, 2].astype(np.float64)
        np.testing.assert_allclose(found.displacement, x.mean() / np.sqrt(1.001), atol=0.03)
        model.predict(moved, verbose=0)
        assert monitor.alarm is found


def test_a_function_is_called_in_the_place_of_the_warning(model):
    told = []
    with looking_always(model, on_shift=told.append) as monitor:
        model.predict(normal(400, 4) * 2, verbose=0)
    assert told == [monitor.alarm] and told[0].kind == "scaled"


def test_what_was_seen_is_written_and_read(model, tmp_path):
    parts = [normal(90, 4, seed=seed) + np.float32(0.25) for seed in range(4)]
    with looking_always(model, on_shift=lambda alarm: None) as whole:
        for part in parts:
            model.predict(part, verbose=0)
    with looking_always(model, on_shift=lambda alarm: None) as first:
        for part in parts[:2]:
            model.predict(part, verbose=0)
        first.save(tmp_path / "monitor.npz")
    with pw.Monitor.load(model, tmp_path / "monitor.npz", on_shift=lambda alarm: None) as second:
        second._seconds = 1e9
        for part in parts[2:]:
            model.predict(part, verbose=0)
    assert whole.rows == second.rows == 360 and whole.alarm == second.alarm


def test_a_damaged_file_is_told_of_and_leaves_the_model_alone(model, tmp_path):
    with pw.Monitor(model) as monitor:
        monitor.save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    np.savez(tmp_path / "other.npz", alpha=0.01, tolerance=0.1)
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("other.npz", "cut.npz"):
        with pytest.raises(ValueError, match=f"{name}' is damaged, or not what a monitor saved"):
            pw.Monitor.load(model, tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"gone\.npz"):
        pw.Monitor.load(model, tmp_path / "gone.npz")
    pw.Monitor.load(model, tmp_path / "whole.npz").close()


def test_time_is_spent_only_where_there_is_some(model):
    with pw.Monitor(model) as monitor:
        for seed in range(300):
            model.predict(normal(32, 4, seed=seed), verbose=0)
        assert 0 < monitor.rows < 300 * 32


def test_mistakes_are_explained(model):
    x = pw.Input((4,))
    with pytest.raises(ValueError, match="no built layer with moving statistics"):
        pw.Monitor(pw.Model(x, layers.Dense(1)(x)))
    with pytest.raises(TypeError, match="Monitor takes a model; got 3"):
        pw.Monitor(3)
    with pytest.raises(ValueError, match=r"alpha is a number above 0 and up to 0.5; got 2"):
        pw.Monitor(model, alpha=2)
    with pw.Monitor(model), pytest.raises(ValueError, match=r"is monitored already: call close\(\)"):
        pw.Monitor(model)


def test_a_copy_of_a_monitored_model_is_not_monitored(model):
    with pw.Monitor(model, on_shift=lambda alarm: None), pw.Monitor(pickle.loads(pickle.dumps(model))) as other:
        assert other.model is not model


CHANNELS = 4


def sums_of(z):
    """The `RowSums` of single numbers (batches, rows, channels), whose unit is 1."""
    ones = np.ones_like(z)
    offset = z.mean(1)
    u = z - offset[:, None]
    v = u * u
    parts = {
        "rows": ones,
        "n": ones,
        "u": u,
        "v": v,
        "nn": ones,
        "nu": u,
        "nv": v,
        "uu": u * u,
        "uv": u * v,
        "vv": v * v,
    }
    sums = np.stack([parts[name].sum(1) for name in SUMS], 1)
    return RowSums(np.zeros_like(offset), offset, np.ones(len(z)), sums, v.max(1))


def first_alarm(draw, feeds, alpha=0.01):
    """After how many feeds of 8 batches of 32 rows there is an alarm; None if never."""
    owner = types.SimpleNamespace(
        used=lambda: (np.zeros(CHANNELS), np.ones(CHANNELS)),
        used_now=lambda: (np.zeros(CHANNELS), np.ones(CHANNELS)),
        epsilon=0.0,
        _layer=types.SimpleNamespace(name="bn"),
    )
    tests, number = [], 0
    for feed in range(feeds):
        if not tests or tests[-1].rows >= 4096:
            number += 1
            tests = [*tests[-1:], SequentialTest(number)]
        part = sums_of(draw(feed))
        for test in tests:
            test.add([owner], [part], 8, 256)
            if test.alarm([owner], alpha, 0.1, 0) is not None:
                return feed + 1
    return None


@pytest.mark.extensive
def test_of_two_hundred_monitors_none_to_speak_of_is_wrong_after_ten_thousand_batches():
    """With moving statistics that are off as averages of batches of 32 rows at momentum 0.99 are."""
    wrong = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        off = rng.normal(size=CHANNELS) / np.sqrt(32 * 1.99 / 0.01)
        wrong += (
            first_alarm(lambda feed, rng=rng, off=off: rng.standard_normal((8, 32, CHANNELS)) + off, 1250) is not None
        )
    assert wrong <= 2


def test_rows_of_which_a_few_carry_much_of_the_variance_raise_no_alarm():
    """Log-normal values: until some of the large ones have come, a stream looks as if it varied less."""
    sigma, wrong = 1.2, 0
    mean = np.exp(sigma**2 / 2)
    deviation = mean * np.sqrt(np.exp(sigma**2) - 1)
    for seed in range(100):
        rng = np.random.default_rng(seed)

        def draw(feed, rng=rng):
            return (rng.lognormal(sigma=sigma, size=(8, 32, CHANNELS)) - mean) / deviation

        wrong += first_alarm(draw, 16) is not None
    assert wrong <= 1


def test_a_late_shift_is_found_nearly_as_soon_as_an_early_one():
    rng = np.random.default_rng(0)

    def draw(begin):
        return lambda feed: rng.standard_normal((8, 32, CHANNELS)) + 0.5 * (feed >= begin)

    early, late = first_alarm(draw(0), 60), first_alarm(draw(200), 260)
    assert early <= 4 and 200 < late <= 220
