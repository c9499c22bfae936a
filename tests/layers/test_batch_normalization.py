"""Batch normalization against float64, and at its edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise.core import variable
from phasewise.layers import BatchNormalization, LayerNormalization


def float64_reference(x, axes, epsilon=1e-3):
    x = x.astype(np.float64)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def float64_gradient(x, g, axes, epsilon=1e-3):
    """The gradient of sum(y * g): Ioffe & Szegedy (2015), section 3."""
    x, g = x.astype(np.float64), g.astype(np.float64)
    y, inverse = float64_reference(x, axes, epsilon), 1 / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return inverse * (g - g.mean(axes, keepdims=True) - y * (g * y).mean(axes, keepdims=True))


@pytest.mark.parametrize("ratio", [0, 10, 1e3, 1e5])
@pytest.mark.parametrize("shape", [(64, 3), (256, 16), (32, 8, 8, 4)])
def test_training_output_is_right_to_1e_5_of_float64(ratio, shape):
    x = (np.random.default_rng(0).normal(size=shape) + ratio).astype("float32")
    axes = tuple(range(len(shape) - 1))
    y = BatchNormalization()(x, training=True)
    assert np.abs(np.asarray(y) - float64_reference(x, axes)).max() < 1e-5


@pytest.mark.parametrize("ratio", [0, 10, 1e3, 1e5])
def test_gradient_is_right_to_1e_4_of_float64(ratio):
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(64, 5)) + ratio).astype("float32"), rng.normal(size=(64, 5)).astype("float32")
    layer = BatchNormalization()
    layer(x)

    def loss(x):
        with variable.scope(layer.variables, [v.raw for v in layer.variables]):
            return (layer(x, training=True) * g).sum()

    expected = float64_gradient(x, g, (0,))
    assert np.abs(np.asarray(jax.grad(loss)(jnp.asarray(x))) - expected).max() < 1e-4 * np.abs(expected).max()


def test_second_derivatives_are_right():
    """Of sum(y * g), against central differences of the float64 gradient: what a gradient penalty descends along."""
    rng = np.random.default_rng(0)
    x, g, direction = (rng.normal(size=(6, 2)) for _ in range(3))
    layer = BatchNormalization()
    layer(x.astype("float32"))

    def loss(x):
        with variable.scope(layer.variables, [v.raw for v in layer.variables]):
            return (layer(x, training=True) * g.astype("float32")).sum()

    step = 1e-5 * direction
    wanted = (float64_gradient(x + step, g, (0,)) - float64_gradient(x - step, g, (0,))) / 2e-5
    given = jnp.asarray(x, jnp.float32), jnp.asarray(direction, jnp.float32)
    forward_over_reverse = jax.jvp(jax.grad(loss), given[:1], given[1:])[1]
    reverse_over_reverse = jax.grad(lambda x: jnp.vdot(jax.grad(loss)(x), given[1]))(given[0])
    for found in (forward_over_reverse, reverse_over_reverse):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_an_outlier_in_the_first_place_costs_no_digits():
    x = np.random.default_rng(0).normal(size=(256, 3)).astype("float32")
    x[0] = 1e6
    y = BatchNormalization()(x, training=True)
    assert np.abs(np.asarray(y) - float64_reference(x, (0,))).max() < 1e-5


@pytest.mark.parametrize("ratio", [0, 1e3, 1e5])
@pytest.mark.parametrize("shape", [(16, 4, 6), (8, 3, 4, 6)])
def test_channels_anywhere_are_right_to_1e_5_of_float64(ratio, shape):
    x = (np.random.default_rng(0).normal(size=shape) + ratio).astype("float32")
    y = BatchNormalization(axis=1)(x, training=True)
    assert np.abs(np.asarray(y) - float64_reference(x, (0, *range(2, len(shape))))).max() < 1e-5


@pytest.mark.parametrize("ratio", [0, 1e3, 1e5])
def test_inference_far_from_zero_is_exact(ratio):
    x = (np.random.default_rng(0).normal(size=(64, 3)) + ratio).astype("float32")
    layer = BatchNormalization(momentum=0.0)
    layer(x, training=True)
    mean, variance = (w.astype(np.float64) for w in layer.get_weights()[2:])
    expected = (x.astype(np.float64) - mean) / np.sqrt(variance + 1e-3)
    assert np.abs(np.asarray(layer(x)) - expected).max() < 1e-5


@pytest.mark.parametrize("ratio", [0, 1e3, 1e5])
def test_layer_normalization_far_from_zero_is_exact(ratio):
    x = (np.random.default_rng(0).normal(size=(16, 64)) + ratio).astype("float32")
    assert np.abs(np.asarray(LayerNormalization()(x)) - float64_reference(x, (1,))).max() < 1e-5


@pytest.mark.parametrize(
    "x, mask",
    [
        (np.ones((1, 3)), None),
        (np.full((8, 3), 7.0), None),
        (np.random.default_rng(0).normal(size=(4, 5, 3)), np.zeros((4, 5), bool)),
    ],
    ids=["batch of one", "constant channel", "nothing counts"],
)
def test_edges_are_finite_forward_and_backward(x, mask):
    layer, x = BatchNormalization(), x.astype("float32")
    layer(x)

    def loss(x):
        with variable.scope(layer.variables, [v.raw for v in layer.variables]) as held:
            y = layer(x, training=True, mask=mask)
            return (y * y).sum(), (y, held.collect(layer.variables))

    gradient, (y, state) = jax.grad(loss, has_aux=True)(jnp.asarray(x))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((gradient, y, state)))


def test_batch_of_one_is_normalized_to_zero():
    np.testing.assert_array_equal(BatchNormalization()(np.full((1, 3), 5.0), training=True), np.zeros((1, 3)))


def test_masked_positions_do_not_count():
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    mask = np.random.default_rng(1).random((4, 6)) > 0.5
    changed = np.where(mask[..., None], x, 1e6).astype("float32")
    a, b = (np.asarray(BatchNormalization()(v, training=True, mask=mask)) for v in (x, changed))
    np.testing.assert_array_equal(a[mask], b[mask])


def test_half_precision_accumulates_in_float32():
    x = (np.random.default_rng(0).normal(size=(512, 2)) + 100).astype("float32")
    layer = BatchNormalization(dtype="mixed_bfloat16")
    y = layer(jnp.asarray(x, jnp.bfloat16), training=True)
    assert y.dtype == jnp.bfloat16
    assert abs(float(layer.get_weights()[2][0]) - 0.01 * 100) < 0.01


def test_rows_of_a_large_batch_of_one_outlier_keep_their_digits():
    x = np.random.default_rng(0).normal(size=(64, 1)).astype("float32")
    x[0] = 1e4
    y = BatchNormalization()(x, training=True)
    np.testing.assert_allclose(np.asarray(y), float64_reference(x, (0,)), atol=1e-4)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"momentum": 1.5}, "momentum must be a number at least 0 and at most 1; got 1.5"),
        ({"momentum": "high"}, "momentum must be a number"),
        ({"epsilon": -1e-3}, "epsilon must be a number at least 0; got -0.001"),
        ({"axis": 1.5}, "axis must be an integer; got 1.5"),
        ({"momentun": 0.9}, "no argument 'momentun'. Did you mean 'momentum'"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        BatchNormalization(**arguments)


def test_axis_that_the_input_lacks_is_named():
    with pytest.raises(ValueError, match="has axis=3, which is no axis of an input with 2 axes"):
        BatchNormalization(axis=3, name="bn")(pw.Input((4,)))


def test_input_of_another_size_names_the_layer_and_both_shapes():
    layer = BatchNormalization(name="bn")
    layer(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"'bn' .* size 4 on axis 1; got an input of shape \(2, 5\)"):
        layer(np.zeros((2, 5)))


@pytest.mark.parametrize("layer", [BatchNormalization, LayerNormalization, pw.layers.GroupNormalization])
def test_mixed_precision_keeps_the_digits_of_float32_inputs(layer):
    x = (np.random.default_rng(0).normal(size=(64, 32)) + 1000).astype("float32")
    y = layer(dtype="mixed_bfloat16")(x, **({"training": True} if layer is BatchNormalization else {}))
    axes = {BatchNormalization: (0,), LayerNormalization: (1,)}.get(layer)
    wanted = float64_reference(x, axes) if axes else np.zeros_like(x)  # groups of one channel
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(y, np.float64), wanted, atol=0.02)
