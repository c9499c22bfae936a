"""phasewise.pure: the function of a model, for loops that a user writes with JAX and optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import phasewise as pw

X = np.random.default_rng(0).normal(size=(16, 5)).astype("float32")
Y = X[:, :1] - X[:, 1:2]


@pytest.fixture
def model():
    return pw.Sequential(
        [
            pw.Input((5,)),
            pw.layers.Dense(8, activation="tanh", name="hidden"),
            pw.layers.BatchNormalization(momentum=0.5, name="norm"),
            pw.layers.Dropout(0.25, name="drop"),
            pw.layers.Dense(1, name="head"),
        ],
        name="net",
    )


def test_params_and_state_are_the_arrays_by_path(model):
    _, params, state = pw.pure(model)
    assert list(params) == [w.path for w in model.trainable_weights]
    assert list(state) == ["net/norm/moving_mean", "net/norm/moving_variance"]
    np.testing.assert_array_equal(params["net/head/kernel"], model.get_layer("head").kernel.numpy())


def test_the_function_is_the_model_and_leaves_it_alone(model):
    function, params, state = pw.pure(model)
    before = model.get_weights()
    outputs, after = jax.jit(function)(params, state, X)
    np.testing.assert_allclose(outputs, model(X), rtol=1e-5, atol=1e-6)
    for name in state:
        np.testing.assert_array_equal(after[name], state[name])
    doubled, _ = function({**params, "net/head/kernel": 2 * params["net/head/kernel"]}, state, X)
    np.testing.assert_allclose(doubled, 2 * outputs, rtol=1e-5, atol=1e-6)
    _, moved = function(params, state, X, training=True)
    assert not np.allclose(moved["net/norm/moving_mean"], state["net/norm/moving_mean"])
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_the_state_that_training_returns_is_the_one_that_a_call_in_training_leaves(model):
    function, params, state = pw.pure(model)
    _, state = function(params, state, X, training=True)
    model(X, training=True)
    np.testing.assert_allclose(state["net/norm/moving_mean"], model.get_layer("norm").get_weights()[2], rtol=1e-5)


def test_random_layers_draw_by_seed_and_step(model):
    function, params, state = pw.pure(model)
    run = jax.jit(lambda seed, step: function(params, state, X, training=True, seed=seed, step=step)[0])
    np.testing.assert_array_equal(run(1, 2), run(1, 2))
    assert not np.array_equal(run(1, 2), run(1, 3))
    assert not np.array_equal(run(1, 2), run(2, 2))


def test_a_loop_written_by_hand_trains_it(model):
    function, params, state = pw.pure(model)
    optimizer = optax.adam(0.02)

    def loss(params, state, step):
        outputs, state = function(params, state, X, training=True, step=step)
        return jnp.mean((outputs - Y) ** 2), state

    @jax.jit
    def train(params, state, slots):
        def one(carry, step):
            params, state, slots = carry
            (value, state), gradients = jax.value_and_grad(loss, has_aux=True)(params, state, step)
            updates, slots = optimizer.update(gradients, slots, params)
            return (optax.apply_updates(params, updates), state, slots), value

        return jax.lax.scan(one, (params, state, slots), jnp.arange(150))

    (params, state, _), losses = train(params, state, optimizer.init(params))
    assert losses[-20:].mean() < 0.3 * losses[:5].mean()
    outputs, _ = function(params, state, X)
    assert np.mean((outputs - Y) ** 2) < 0.3 * np.mean((model(X) - Y) ** 2)


def test_it_maps_over_members_of_an_ensemble(model):
    function, params, state = pw.pure(model)
    stacked = jax.tree.map(lambda p: jnp.stack([p, 2 * p]), params)
    outputs = jax.vmap(lambda p: function(p, state, X)[0])(stacked)
    for i, factor in enumerate((1, 2)):
        wanted, _ = function(jax.tree.map(lambda p, factor=factor: factor * p, params), state, X)
        np.testing.assert_allclose(outputs[i], wanted, rtol=1e-5, atol=1e-6)


def test_frozen_weights_are_part_of_the_state(model):
    model.get_layer("hidden").trainable = False
    _, params, state = pw.pure(model)
    assert "net/hidden/kernel" in state and "net/hidden/kernel" not in params


def test_several_inputs_come_in_the_structure_of_the_model():
    a, b = pw.Input((5,), name="a"), pw.Input((5,), name="b")
    function, params, state = pw.pure(pw.Model([a, b], {"out": a - b}))
    for inputs in ([X, 2 * X], {"a": X, "b": 2 * X}):
        np.testing.assert_allclose(function(params, state, inputs)[0]["out"], -X)


def test_a_layer_and_a_call_of_several_arguments_are_pure_too():
    class Scaled(pw.Layer):
        def build(self, x_shape, y_shape):
            self.scale = self.add_weight((), "ones", name="scale")

        def call(self, x, y):
            return self.scale * (x + y)

    layer = Scaled(name="scaled")
    layer(X, X)
    function, params, state = pw.pure(layer)
    np.testing.assert_allclose(function({"scaled/scale": jnp.float32(3)}, state, X, X)[0], 6 * X, rtol=1e-6)
    assert list(params) == ["scaled/scale"]


def test_weights_of_one_path_are_numbered():
    first, second = pw.layers.Dense(1, name="d"), pw.layers.Dense(1, name="d")
    first(X), second(X)

    class Both(pw.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [first, second]

        def call(self, x):
            return first(x) + second(x)

    layer = Both()
    layer(X)
    assert list(pw.pure(layer)[1]) == ["d/kernel", "d/bias", "d/kernel_1", "d/bias_1"]


def test_a_mistake_is_explained(model):
    function, params, state = pw.pure(model)
    wrong = {**params, "net/head/bias": np.zeros(4, "float32")}
    misspelt = {("net/head/kernal" if k == "net/head/kernel" else k): v for k, v in params.items()}
    for call, message in [
        (lambda: pw.pure(pw.Sequential([pw.layers.Dense(1)])), "has no weights yet: call it on data, or build it"),
        (lambda: function(wrong, state, X), r"must hold 'net/head/bias' with shape \(1,\); it has \(4,\)"),
        (lambda: function(misspelt, state, X), "`params` has no array 'net/head/kernel'.*It has 'net/head/kernal'"),
        (lambda: function(params, {}, X), "`state` has no array 'net/norm/moving_mean' of shape"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
