"""Dynamic loss scaling: a float16 model learns from gradients that float16 cannot hold, and steps that overflow are left out."""

import copy

import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest

import phasewise as pw
from phasewise import layers, optimizers
from phasewise.optimizers import LossScaleOptimizer
from phasewise.training import run

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X[:, :1] - X[:, 1:2]


@pytest.fixture(params=[0, 1 << 40], ids=["in place", "kept"])
def bytes_from_which(request, monkeypatch):
    """Every model counts as large, or none."""
    monkeypatch.setattr(run, "IN_PLACE_BYTES", request.param)


def regressor(policy="mixed_float16", optimizer=None, **compiling):
    """Three layers, compiled; the same weights each time."""
    pw.set_random_seed(3)
    chain = [layers.Dense(8, "tanh", dtype=policy, name=f"hidden_{i}") for i in range(2)]
    model = pw.Sequential([pw.Input((4,)), *chain, layers.Dense(1, dtype=policy, name="head")])
    model.compile(optimizer or optimizers.SGD(0.1), compiling.pop("loss", "mse"), **compiling)
    return model


def faint(y_true, y_pred):
    """A loss whose gradients are 1e-7 of those of the mean square: 0 in float16."""
    return 1e-7 * jnp.square(jnp.asarray(y_true, jnp.float32) - y_pred.astype(jnp.float32)).mean(-1)


def test_weights_move_as_in_float32_where_float16_has_no_gradient():
    def moves(policy, **options):
        model = regressor(policy, optimizers.SGD(1e6), loss=faint, **options)
        before = model.get_weights()
        model.fit(X, Y, batch_size=24, verbose=0)
        return [after - first for after, first in zip(model.get_weights(), before)]

    for scaled, whole in zip(moves("mixed_float16"), moves("float32")):
        np.testing.assert_allclose(scaled, whole, rtol=0.02, atol=0.01 * np.abs(whole).max())
    assert not any(move.any() for move in moves("mixed_float16", auto_scale_loss=False))


def test_the_scale_doubles_after_so_many_finite_steps_and_halves_at_each_that_is_not_as_in_keras():
    ours = LossScaleOptimizer(optimizers.Adam(0.1), initial_scale=8.0, dynamic_growth_steps=3)
    theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1), initial_scale=8.0, dynamic_growth_steps=3)
    variable, twin = pw.Variable(np.float32([1, 2])), keras.Variable(np.float32([1, 2]))
    theirs.build([twin])
    gradient = np.float32([0.5, -1])
    for step in range(12):
        bad = step in (1, 2, 9)
        scaled = np.float32([np.inf, 1]) if bad else gradient * float(theirs.dynamic_scale.value)
        ours.apply([scaled], [variable])
        held = [each.value for each in theirs.variables]
        values, kept = theirs.stateless_apply(held, [jnp.asarray(scaled)], [twin.value])
        for each, value in zip([twin, *theirs.variables], [*values, *kept]):
            each.assign(value)
        assert ours.dynamic_scale == float(theirs.dynamic_scale.value)
        assert int(ours.iterations) == int(theirs.iterations.value)
        np.testing.assert_allclose(variable.numpy(), np.asarray(twin.value), rtol=1e-6)
    assert ours.dynamic_scale == 8 / 4 * 2 * 2 / 2


@pytest.mark.usefixtures("bytes_from_which")
@pytest.mark.parametrize("policy", ["raise", "skip", "ignore"])
@pytest.mark.few(2)
def test_a_step_that_overflows_is_left_out_and_is_no_error(policy):
    model = regressor(optimizer=LossScaleOptimizer(optimizers.Adam(0.01), initial_scale=2.0**40))
    before = model.get_weights()
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0, on_nonfinite=policy)
    assert model.optimizer.dynamic_scale == 2.0**37
    assert int(model.optimizer.iterations) == 0
    for now, first in zip(model.get_weights(), before):
        np.testing.assert_array_equal(now, first)
    logs = model.fit(X, Y, batch_size=8, epochs=40, verbose=0, on_nonfinite=policy).history
    assert logs["loss"][-1] < 0.5 * logs["loss"][0]
    assert 0 < int(model.optimizer.iterations) < 120
    assert model.optimizer.dynamic_scale < 2.0**37


@pytest.mark.usefixtures("bytes_from_which")
def test_a_gradient_that_is_not_finite_at_the_least_scale_is_an_error():
    inputs = pw.Input((4,))
    hidden = layers.Dense(4, dtype="mixed_float16", name="before")(inputs)
    rooted = layers.Lambda(lambda x: jnp.sqrt(jnp.abs(x * 0)), name="rooted", dtype="mixed_float16")(hidden)
    model = pw.Model(inputs, layers.Dense(1, dtype="mixed_float16")(rooted))
    model.compile("adam", "mse")
    with pytest.raises(pw.NonFiniteError) as raised:
        model.fit(X, Y, batch_size=8, epochs=20, shuffle=False, verbose=0)
    assert (raised.value.where, raised.value.layer) == ("gradient", "rooted")
    assert (raised.value.epoch, raised.value.step) == (5, 0)  # 15 halvings, 3 steps an epoch
    assert all(np.isfinite(w).all() for w in model.get_weights())


@pytest.mark.parametrize(
    "make, wraps",
    [
        (lambda: regressor("mixed_float16"), True),
        (lambda: regressor("mixed_bfloat16"), False),
        (lambda: regressor("float16"), False),
        (lambda: regressor("float32"), False),
        (lambda: regressor("mixed_float16", auto_scale_loss=False), False),
    ],
)
def test_compile_wraps_the_optimizer_of_a_mixed_float16_model_and_no_other(make, wraps):
    assert isinstance(make().optimizer, LossScaleOptimizer) == wraps


def test_under_the_global_policy_too_and_never_twice():
    pw.set_dtype_policy("mixed_float16")
    try:
        model = pw.Sequential([layers.Dense(1)])
        model.compile("adam", "mse")
        assert isinstance(model.optimizer.inner_optimizer, optimizers.Adam)
        given = LossScaleOptimizer(optimizers.SGD(), 2.0**4)
        model.compile(given, "mse")
        assert model.optimizer is given
    finally:
        pw.set_dtype_policy("float32")


def test_what_is_set_on_it_is_set_on_the_optimizer_inside():
    model = regressor(optimizer=optimizers.Adam(0.5))
    model.optimizer.learning_rate = 0.25
    assert float(model.optimizer.inner_optimizer.learning_rate) == 0.25
    model.train_on_batch(X, Y)
    assert int(model.optimizer.inner_optimizer.iterations) == int(model.optimizer.iterations) == 1
    model.optimizer.learning_rate = 0.125
    assert float(model.optimizer.learning_rate) == 0.125


def test_it_is_rebuilt_from_its_config_and_copied():
    optimizer = LossScaleOptimizer(optimizers.AdamW(0.3), 2.0**9, 17, name="scaled")
    twin = optimizers.deserialize(optimizers.serialize(optimizer))
    assert twin.get_config() == optimizer.get_config()
    assert isinstance(copy.deepcopy(optimizer).inner_optimizer, optimizers.AdamW)


def test_averages_accumulation_and_optax_inside_of_it():
    for inner in (
        optimizers.SGD(0.05, use_ema=True),
        optimizers.SGD(0.05, gradient_accumulation_steps=2),
        optimizers.SGD(0.05, loss_scale_factor=4.0),
        optax.sgd(0.05),
    ):
        logs = regressor(optimizer=inner).fit(X, Y, batch_size=8, epochs=30, verbose=0).history["loss"]
        assert logs[-1] < 0.7 * logs[0]


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({"inner_optimizer": "adam"}, "wraps an optimizer that does not scale losses; got 'adam'"),
        ({"inner_optimizer": LossScaleOptimizer(optimizers.SGD())}, "wraps an optimizer that does not scale losses"),
        ({"initial_scale": 0}, "initial_scale must be above 0"),
        ({"initial_scale": float("inf")}, "initial_scale must be in"),
        ({"dynamic_growth_steps": 0}, "dynamic_growth_steps must be an integer of at least 1"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        LossScaleOptimizer(**{"inner_optimizer": optimizers.SGD(), **arguments})
