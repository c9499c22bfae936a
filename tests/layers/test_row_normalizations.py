"""Layers that normalize each row by itself, against float64: far from zero, huge, tiny, in half precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import phasewise as pw
from phasewise.core import variable
from phasewise.layers import GroupNormalization, LayerNormalization, RMSNormalization, UnitNormalization


def grouped(x, groups, axis, epsilon=1e-3):
    """Group normalization in float64: Wu & He (2018), equation 1."""
    x = np.moveaxis(x.astype(np.float64), axis, 1)
    rows = x.reshape(len(x), groups, -1)
    y = (rows - rows.mean(-1, keepdims=True)) / np.sqrt(rows.var(-1, keepdims=True) + epsilon)
    return np.moveaxis(y.reshape(x.shape), 1, axis)


def data(shape, ratio=0.0):
    return (np.random.default_rng(0).normal(size=shape) + ratio).astype("float32")


def gradient(layer, x, g):
    """The gradient of sum(y * g) with respect to the input."""

    def score(x):
        with variable.scope(layer.variables, [v.raw for v in layer.variables]):
            return (layer(x) * g).sum()

    layer(x)
    return np.asarray(jax.jit(jax.grad(score))(jnp.asarray(x)))


def numeric_gradient(function, x, g, step=1e-4):
    """Central differences in float64."""
    x, slopes = x.astype(np.float64), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        moved = np.zeros_like(x)
        moved[place] = step
        slopes[place] = ((function(x + moved) - function(x - moved)) * g).sum() / (2 * step)
    return slopes


@pytest.mark.parametrize("ratio", [0, 1e3, 1e5])
@pytest.mark.parametrize(
    "groups, axis, shape", [(1, -1, (8, 12)), (4, -1, (3, 5, 4, 12)), (-1, 1, (3, 4, 9)), (2, 2, (3, 5, 4))]
)
def test_group_normalization_is_right_to_1e_5_of_float64(groups, axis, shape, ratio):
    x = data(shape, ratio)
    expected = grouped(x, shape[axis] if groups == -1 else groups, axis)
    assert np.abs(np.asarray(GroupNormalization(groups, axis)(x)) - expected).max() < 1e-5


@pytest.mark.parametrize("ratio", [0, 1e5])
def test_gradient_of_group_normalization_is_right_to_1e_4_of_float64(ratio):
    x, g = data((2, 3, 4), ratio), np.random.default_rng(1).normal(size=(2, 3, 4))
    expected = numeric_gradient(lambda x: grouped(x, 2, -1), x, g, step=1e-3)
    assert np.abs(gradient(GroupNormalization(2), x, g) - expected).max() < 1e-4 * np.abs(expected).max()


def test_one_group_is_layer_normalization_over_the_row():
    x = data((3, 4, 6))
    ours = GroupNormalization(1, center=False, scale=False)(x)
    rows = LayerNormalization(axis=[1, 2], center=False, scale=False)(x)
    np.testing.assert_allclose(ours, rows, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [-1, [1, 2], (2, 1), [1, 3]])
@pytest.mark.parametrize("ratio", [0, 1e5])
def test_layer_normalization_over_any_axes_is_right_to_1e_5_of_float64(axis, ratio):
    x = data((3, 4, 5, 6), ratio)
    over = tuple(axis) if isinstance(axis, list | tuple) else axis
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(over, keepdims=True)) / np.sqrt(wide.var(over, keepdims=True) + 1e-3)
    assert np.abs(np.asarray(LayerNormalization(axis)(x)) - expected).max() < 1e-5


@pytest.mark.parametrize("axis", [-1, 1, [1, 2], [2, 1]])
def test_rms_normalization_is_right_to_1e_6_of_float64(axis):
    x, over = data((4, 6, 5), 3.0), tuple(np.atleast_1d(axis))
    layer = RMSNormalization(axis)
    layer(x)
    scale = np.random.default_rng(1).normal(size=layer.scale.shape).astype("float32")
    layer.set_weights([scale])
    kept = [n if i in {a % 3 for a in over} else 1 for i, n in enumerate(x.shape)]
    expected = x / np.sqrt((x.astype(np.float64) ** 2).mean(over, keepdims=True) + 1e-6) * scale.reshape(kept)
    np.testing.assert_allclose(layer(x), expected, rtol=2e-6, atol=1e-6)
    assert layer.scale.name == "scale"


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e-13, 1e-11, 1.0, 1e19, 1e30])
@pytest.mark.parametrize("axis", [-1, (1, 2)])
def test_unit_normalization_is_right_for_values_of_any_size(size, axis):
    x = (data((4, 3, 5)) * size).astype("float32")
    norm = np.sqrt((x.astype(np.float64) ** 2).sum(axis, keepdims=True))
    expected = x / np.maximum(norm, 1e-12)
    np.testing.assert_allclose(UnitNormalization(axis)(x), expected, rtol=1e-6)


@pytest.mark.parametrize("size", [1.0, 1e30])
def test_gradient_of_unit_normalization_is_right_for_values_of_any_size(size):
    x, g = (data((2, 4)) * size).astype("float32"), data((2, 4), 1.0)
    y = x / np.linalg.norm(x.astype(np.float64), axis=-1, keepdims=True)
    expected = (g - y * (g * y).sum(-1, keepdims=True)) / np.linalg.norm(x.astype(np.float64), axis=-1, keepdims=True)
    assert np.abs(gradient(UnitNormalization(), x, g) - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_zero_vector_stays_zero_with_a_finite_gradient():
    x = np.zeros((2, 3), "float32")
    np.testing.assert_array_equal(UnitNormalization()(x), x)
    assert np.isfinite(gradient(UnitNormalization(), x, np.ones((2, 3)))).all()


@given(arrays(np.float32, (3, 4), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
@settings(max_examples=40, deadline=None)
def test_unit_normalization_gives_norm_one_or_nearly_nothing(x):
    norms = np.linalg.norm(np.asarray(UnitNormalization()(x), np.float64), axis=-1)
    real = np.linalg.norm(x.astype(np.float64), axis=-1) >= 1.001e-12
    np.testing.assert_allclose(norms[real], 1, rtol=1e-6)
    assert (norms <= 1 + 1e-6).all()


@pytest.mark.parametrize("make", [lambda p: GroupNormalization(2, dtype=p), lambda p: RMSNormalization(dtype=p),
                                  lambda p: LayerNormalization(dtype=p), lambda p: UnitNormalization(dtype=p)],
                         ids=["group", "rms", "layer", "unit"])  # fmt: skip
@pytest.mark.parametrize("policy, size", [("mixed_float16", 1000.0), ("mixed_bfloat16", 1000.0)])
def test_half_precision_computes_in_float32_and_rounds_once(make, policy, size):
    half = make(policy).compute_dtype
    x = jnp.asarray(data((3, 64)) * size, half)
    y, wide = make(policy)(x), make("float32")(x.astype("float32"))
    assert y.dtype == half
    np.testing.assert_array_equal(y, wide.astype(half))


@pytest.mark.parametrize("make", [lambda: GroupNormalization(2), RMSNormalization, LayerNormalization, UnitNormalization],
                         ids=["group", "rms", "layer", "unit"])  # fmt: skip
def test_a_row_is_normalized_alike_in_both_phases_and_whatever_is_beside_it(make):
    layer, x = make(), data((6, 4))
    model = pw.Sequential([pw.Input((4,)), layer])
    alone = np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(6)])
    np.testing.assert_array_equal(alone, model.predict(x, verbose=0))
    np.testing.assert_array_equal(layer(x, training=True), layer(x))
    assert list(model.explain(print_fn=False)) == []


def test_a_mask_passes_through_to_the_layer_after():
    x, mask = data((2, 3, 4)), np.array([[True, False, True], [False, True, True]])

    class Masking(pw.layers.Layer):
        def call(self, inputs):
            return inputs

        def compute_mask(self, inputs, previous_mask=None):
            return mask

    class Masked(pw.layers.Layer):
        def call(self, inputs, mask=None):
            return inputs if mask is None else inputs * mask[..., None]

    for layer in (GroupNormalization(2), RMSNormalization(), LayerNormalization(), UnitNormalization()):
        seen = pw.Sequential([Masking(), layer, Masked()])(x)
        np.testing.assert_array_equal(np.asarray(seen)[~mask], np.zeros((2, 4)))
        alone = np.asarray(pw.Sequential([layer])(x))
        np.testing.assert_allclose(np.asarray(seen)[mask], alone[mask], rtol=1e-6)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: GroupNormalization(0), "GroupNormalization's groups must be a positive integer, or -1 .*; got 0"),
        (lambda: GroupNormalization(2.0), "groups must be a positive integer, or -1 .*; got 2.0"),
        (lambda: GroupNormalization(2, axis=[1]), r"GroupNormalization's axis must be an integer; got \[1\]"),
        (lambda: GroupNormalization(2, epsilon=-1), "GroupNormalization's epsilon must be a number at least 0; got -1"),
        (
            lambda: GroupNormalization(3)(pw.Input((4,))),
            r"has groups=3, which does not divide the 4 channels .*\(None, 4\)",
        ),
        (lambda: GroupNormalization(8)(pw.Input((4,))), "has groups=8, which does not divide the 4 channels"),
        (lambda: GroupNormalization(2, axis=0)(pw.Input((4,))), "has axis=0, which is no axis of an input with 2 axes"),
        (lambda: GroupNormalization(2)(pw.Input((None,))), "needs a known size on axis 1; the input has shape"),
        (lambda: RMSNormalization(axis="last"), "RMSNormalization's axis must be an integer; got 'last'"),
        (
            lambda: RMSNormalization(epsilon="small"),
            "RMSNormalization's epsilon must be a number at least 0; got 'small'",
        ),
        (
            lambda: RMSNormalization(axis=2, name="r")(pw.Input((4,))),
            "RMSNormalization 'r' has axis=2; its input has 2 axes",
        ),
        (lambda: RMSNormalization()(pw.Input((None,))), "needs a known size on axis 1"),
        (lambda: LayerNormalization(axis=[1, -1])(pw.Input((4,))), r"has axis=\[1, -1\], which names one axis twice"),
        (lambda: LayerNormalization()(pw.Input((None,))), "needs a known size on axis 1"),
        (lambda: UnitNormalization(axis=None), "UnitNormalization's axis must be an integer; got None"),
        (lambda: UnitNormalization(axis=(1, 3))(pw.Input((4, 2))), "has axis=3; its input has 3 axes"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


def test_an_input_with_other_channels_names_the_layer_and_both_sizes():
    layer = GroupNormalization(2, name="gn")
    layer(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"'gn' .* size 4 on axis 1; got an input of shape \(2, 6\)"):
        layer(np.zeros((2, 6)))
