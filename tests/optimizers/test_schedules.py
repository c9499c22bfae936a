"""Schedules: Keras's rates at every step, also inside a compiled step, and float64 where the period turns."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from parity import arguments
from phasewise.core import registry
from phasewise.optimizers import SGD, LossScaleOptimizer, MultiOptimizer, schedules
from phasewise.training import run

ALL = {cls.__name__: cls for cls in registry.members("schedule")}
TABLE = [
    ("ExponentialDecay", (0.5, 10, 0.3), {}),
    ("ExponentialDecay", (0.5, 7, 0.3, True), {}),
    ("InverseTimeDecay", (0.5, 10, 0.7), {}),
    ("InverseTimeDecay", (0.5, 7, 0.7, True), {}),
    ("PiecewiseConstantDecay", ([3, 10, 40], [1.0, 0.5, 0.1, 0.7]), {}),
    ("PiecewiseConstantDecay", ([5], [0.1, 0.2]), {}),
    ("PolynomialDecay", (0.5, 20), {}),
    ("PolynomialDecay", (0.5, 20, 0.1, 2.0), {}),
    ("PolynomialDecay", (0.5, 20, 0.1, 0.5, True), {}),
    ("CosineDecay", (0.5, 30), {}),
    ("CosineDecay", (0.5, 30, 0.2), {}),
    ("CosineDecay", (0.1, 30, 0.2), {"warmup_target": 0.7, "warmup_steps": 10}),
    ("CosineDecay", (0.1, 30), {"warmup_target": 0.7}),
    ("CosineDecayRestarts", (0.5, 7), {}),
    ("CosineDecayRestarts", (0.5, 7, 1.5, 0.8, 0.1), {}),
    ("CosineDecayRestarts", (0.5, 16, 1.0, 0.9), {}),
]
STEPS = np.concatenate([np.arange(60), [99, 100, 101, 1000]]).astype("int32")


def compiled_rates(schedule, steps=STEPS):
    """The rates at all steps, traced as a compiled training step does it."""
    return np.asarray(jax.jit(jax.vmap(lambda step: jnp.asarray(schedule(step), jnp.float32)))(steps))


def restarts(step, first, t_mul):
    """The rate of CosineDecayRestarts(1, first, t_mul) in float64: periods are counted one after the other."""
    length = float(first)
    while step >= length:
        step, length = step - length, length * t_mul
    return 0.5 * (1 + np.cos(np.pi * step / length))


def test_the_table_has_every_registered_schedule():
    assert set(ALL) == {row[0] for row in TABLE}


def test_every_schedule_of_keras_is_here_with_its_arguments():
    for name, theirs in inspect.getmembers(keras.optimizers.schedules, inspect.isclass):
        assert arguments(getattr(schedules, name)) == arguments(theirs), name


@pytest.mark.few(8)
@pytest.mark.parametrize(("name", "arguments", "more"), TABLE)
def test_the_rates_are_those_of_keras(name, arguments, more):
    ours, theirs = ALL[name](*arguments, **more), getattr(keras.optimizers.schedules, name)(*arguments, **more)
    np.testing.assert_allclose(compiled_rates(ours), jax.vmap(theirs)(STEPS), rtol=1e-5, atol=1e-6)
    # A step is also a plain number.
    for step in (0, 3, 11):
        assert float(ours(step)) == pytest.approx(float(theirs(step)), rel=1e-5)


@pytest.mark.parametrize(("name", "arguments", "more"), TABLE)
def test_the_config_is_keras_own_and_rebuilds_the_schedule(name, arguments, more):
    ours, theirs = ALL[name](*arguments, **more), getattr(keras.optimizers.schedules, name)(*arguments, **more)
    again = schedules.deserialize(schedules.serialize(ours))
    assert ours.get_config() == theirs.get_config() == again.get_config()
    assert type(again) is type(ours)


@given(st.integers(1, 50), st.sampled_from([1.0, 2.0, 3.0]), st.integers(0, 8), st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_a_restart_comes_at_its_very_step(first, t_mul, period, after):
    begin = sum(first * int(t_mul) ** i for i in range(period))
    schedule = schedules.CosineDecayRestarts(1.0, first, t_mul)
    np.testing.assert_allclose(float(schedule(begin + after)), restarts(begin + after, first, t_mul), atol=2e-5)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True).map(sorted), st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_a_boundary_belongs_to_the_value_before_it(boundaries, step):
    values = [float(i) for i in range(len(boundaries) + 1)]
    schedule = schedules.PiecewiseConstantDecay(boundaries, values)
    assert float(schedule(step)) == sum(step > b for b in boundaries)


@given(st.integers(1, 40), st.integers(0, 200), st.floats(0, 1), st.sampled_from([0.5, 1.0, 2.0]))
@settings(max_examples=30, deadline=None)
def test_decays_stay_between_their_first_and_last_rate(decay_steps, step, end, power):
    rates = [
        schedules.CosineDecay(1.0, decay_steps, alpha=end)(step),
        schedules.PolynomialDecay(1.0, decay_steps, end, power)(step),
        schedules.PolynomialDecay(1.0, decay_steps, end, power, cycle=True)(step),
    ]
    assert all(end - 1e-6 <= float(rate) <= 1 + 1e-6 for rate in rates)
    if step >= decay_steps:
        np.testing.assert_allclose(rates[:2], end, atol=1e-6)


@pytest.mark.parametrize(
    "rate",
    [
        schedules.InverseTimeDecay(0.5, 1, 1.0),
        lambda step: 0.5 / (1 + step),
        optax.polynomial_schedule(0.5, 0.0, 1, 10),
    ],
    ids=["schedule", "function", "optax"],
)
def test_an_optimizer_follows_a_function_of_the_step(rate):
    optimizer, variable = SGD(rate), pw.Variable(np.float32([0.0]))
    expected = 0.0
    for step in range(5):
        assert optimizer.learning_rate == pytest.approx(float(rate(step)))
        optimizer.apply([np.float32([1.0])], [variable])
        expected -= float(rate(step))
    assert variable.numpy()[0] == pytest.approx(expected, rel=1e-5)


def test_a_function_of_nothing_is_a_rate_as_in_keras():
    variables = [library.Variable(np.float32([1.0])) for library in (pw, keras)]
    for library, variable in zip((pw, keras), variables):
        library.optimizers.SGD(lambda: 0.25).apply([jnp.float32([1.0])], [variable])
    assert variables[0].numpy()[0] == np.asarray(variables[1].value)[0] == 0.75


def test_an_optimizer_with_a_schedule_is_rebuilt_by_its_config():
    optimizer = SGD(schedules.CosineDecay(0.5, 10, 0.2))
    again = pw.optimizers.deserialize(pw.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert float(again.schedule(4)) == float(optimizer.schedule(4))


def test_an_optimizer_with_a_registered_function_is_rebuilt_by_its_config():
    @registry.register_serializable("tests")
    def halving(step):
        return 0.5**step

    again = SGD.from_config(SGD(halving).get_config())
    assert again.schedule is halving


def test_a_schedule_of_ones_own_has_its_arguments_as_config():
    class Falling(schedules.LearningRateSchedule):
        def __init__(self, start):
            self.start = start
            self._private = 1

        def __call__(self, step):
            return self.start / (1 + step)

    schedule = Falling(0.5)
    assert schedule.get_config() == {"start": 0.5}
    assert Falling.from_config(schedule.get_config())(1) == 0.25
    assert SGD(schedule).learning_rate == 0.5


def falling(step):
    """A rate that is below 0 from step 3 on."""
    return 0.05 - 0.02 * step


def scheduled_model(optimizer):
    model = pw.Sequential([pw.Input((2,)), pw.layers.Dense(1, kernel_initializer="ones")])
    model.compile(optimizer, "mse")
    return model


@pytest.mark.few(2)
@pytest.mark.parametrize("least", [0, 1 << 40], ids=["in place", "kept"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda optimizer: optimizer,
        lambda optimizer: LossScaleOptimizer(optimizer, 4.0),
        lambda optimizer: MultiOptimizer(lambda variable: optimizer),
    ],
    ids=["alone", "scaled", "one of many"],
)
def test_a_rate_that_falls_below_0_is_told_and_the_model_is_as_before_that_step(monkeypatch, least, wrap):
    monkeypatch.setattr(run, "IN_PLACE_BYTES", least)
    x, y = np.ones((12, 2), np.float32), np.zeros((12, 1), np.float32)
    model, twin = scheduled_model(wrap(SGD(falling))), scheduled_model(SGD(falling))
    with pytest.raises(pw.NonFiniteError) as raised:
        model.fit(x, y, batch_size=2, verbose=0)
    assert "the learning rate is negative: the schedule falling gave -0.01" in str(raised.value)
    assert (raised.value.step, raised.value.where) == (3, "update")
    twin.fit(x[:6], y[:6], batch_size=2, verbose=0)
    for ours, theirs in zip(model.get_weights(), twin.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_a_rate_below_0_moves_nothing_where_nobody_looks_and_is_an_error_by_hand():
    x, y = np.ones((2, 2), np.float32), np.zeros((2, 1), np.float32)
    model = scheduled_model(SGD(falling))
    for _ in range(3):
        model.train_on_batch(x, y)
    before = model.get_weights()
    model.train_on_batch(x, y)
    for now, first in zip(model.get_weights(), before):
        np.testing.assert_array_equal(now, first)
    optimizer, variable = SGD(falling), pw.Variable(np.float32([0.0]))
    with pytest.raises(ValueError, match=r"The learning rate of step 3 is negative: the schedule falling gave -0.01"):
        for _ in range(4):
            optimizer.apply([np.float32([1.0])], [variable])
    assert optimizer.iterations == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), ValueError, "number of steps must be positive; got 0"),
        (lambda: schedules.InverseTimeDecay(0.1, -1, 0.5), ValueError, "number of steps must be positive; got -1"),
        (lambda: schedules.PolynomialDecay(0.1, 0), ValueError, "number of steps must be positive; got 0"),
        (lambda: schedules.CosineDecay(0.1, 0), ValueError, "number of steps must be positive; got 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), ValueError, "number of steps must be positive; got 0"),
        (
            lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]),
            ValueError,
            "needs one value more than boundaries; got 2 and 2",
        ),
        (
            lambda: schedules.ExponentialDecay(-0.1, 5, 0.5),
            ValueError,
            "ExponentialDecay's initial_learning_rate must be a number of at least 0; got -0.1",
        ),
        (lambda: schedules.ExponentialDecay(0.1, 5, -0.5), ValueError, "decay_rate must be .* at least 0; got -0.5"),
        (lambda: schedules.InverseTimeDecay(0.1, 5, -1.0), ValueError, "decay_rate must be .* at least 0; got -1.0"),
        (lambda: schedules.InverseTimeDecay("0.1", 5, 1.0), ValueError, "initial_learning_rate must .*; got '0.1'"),
        (
            lambda: schedules.PiecewiseConstantDecay([3, 9], [0.1, -0.2, 0.3]),
            ValueError,
            r"values\[1\] must be a number of at least 0; got -0.2",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay([3, 2], [0.1, 0.2, 0.3]),
            ValueError,
            r"boundaries must increase; got \[3, 2\]",
        ),
        (lambda: schedules.PolynomialDecay(0.1, 10, -0.5), ValueError, "end_learning_rate must be .*; got -0.5"),
        (lambda: schedules.PolynomialDecay(0.1, 10, power=-1), ValueError, "power must be .* at least 0; got -1"),
        (lambda: schedules.CosineDecay(0.1, 10, alpha=-1), ValueError, "alpha must be .* at least 0; got -1"),
        (
            lambda: schedules.CosineDecay(0.1, 10, warmup_target=-0.1, warmup_steps=3),
            ValueError,
            "warmup_target must be .* at least 0; got -0.1",
        ),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_steps=-3), ValueError, "warmup_steps must be .*; got -3"),
        (lambda: schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5), ValueError, "t_mul must be .* 1; got 0.5"),
        (lambda: schedules.CosineDecayRestarts(0.1, 10, m_mul=-1), ValueError, "m_mul must be .* 0; got -1"),
        (lambda: schedules.CosineDecayRestarts(0.1, True), ValueError, "number of steps must be positive; got True"),
        (
            lambda: SGD(lambda step: -0.1).build([pw.Variable(np.float32([0.0]))]),
            ValueError,
            r"at least 0 at every step; at step 0 its schedule gave -0.1",
        ),
        (
            lambda: SGD(lambda step: np.float32([0.1, 0.2])).build([pw.Variable(np.float32([0.0]))]),
            ValueError,
            r"at least 0 at every step; at step 0 its schedule gave array\(\[0.1, 0.2\]",
        ),
        (lambda: schedules.LearningRateSchedule()(0), NotImplementedError, r"must define __call__\(self, step\)"),
        (
            lambda: schedules.deserialize({"class_name": "CosinDecay", "config": {}}),
            ValueError,
            "Unknown schedule 'CosinDecay'. Did you mean 'CosineDecay'?",
        ),
        (
            lambda: SGD.from_config(SGD(lambda step: 0.1).get_config()),
            ValueError,
            "A lambda cannot be described: it has no name",
        ),
    ],
)
def test_a_mistake_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
