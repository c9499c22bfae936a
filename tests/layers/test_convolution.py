"""Convolution layers: what they refuse, what they keep unknown, half precision, masks, configs in both directions, rows' bits."""

import inspect

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from convolution_rows import CONVOLUTION

import phasewise as pw
from parity import check_layer, inputs_of
from phasewise import layers
from phasewise.core.precision import dtype_policy_scope

pytestmark = pytest.mark.extensive

NAMES = list(dict.fromkeys(row[0] for row in CONVOLUTION))
FIRST_ROWS = {name: next(row for row in CONVOLUTION if row[0] == name) for name in NAMES}
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_have_keras_s_names_order_and_defaults(name):
    ours, theirs = (inspect.signature(getattr(each.layers, name)).parameters for each in (pw, keras))
    assert list(ours) == list(theirs)
    rank = int(name[name.index("D") - 1]) if "D" not in name[0] else int(name[-2])

    def many(value):
        return (value,) * rank if isinstance(value, int) and not isinstance(value, bool) else value

    for key in ("strides", "dilation_rate"):
        assert many(ours[key].default) == many(theirs[key].default)
    rest = [key for key in ours if key not in ("strides", "dilation_rate")]
    assert [ours[key].default for key in rest] == [theirs[key].default for key in rest]


def test_aliases_are_the_classes():
    for rank in "123":
        assert getattr(layers, f"Convolution{rank}D") is getattr(layers, f"Conv{rank}D")
        assert getattr(layers, f"Convolution{rank}DTranspose") is getattr(layers, f"Conv{rank}DTranspose")
    assert layers.SeparableConvolution1D is layers.SeparableConv1D
    assert layers.SeparableConvolution2D is layers.SeparableConv2D


def wide_numbers(config):
    """`config`, its numbers as they were before Keras rounded the strengths of regularizers to float32."""
    if isinstance(config, dict):
        return {key: wide_numbers(value) for key, value in config.items()}
    return float(f"{config:.6g}") if isinstance(config, float) else config


@pytest.mark.parametrize("name", [*NAMES, "SpatialDropout2D"])
def test_a_layer_without_a_name_gets_keras_s(name):
    arguments = FIRST_ROWS[name][1] if name in FIRST_ROWS else {"rate": 0.5}
    pw.backend.clear_session(free_memory=False)
    keras.backend.clear_session()
    ours, theirs = (getattr(library.layers, name)(**arguments).name for library in (pw, keras))
    assert ours == theirs


@pytest.mark.parametrize(("name", "arguments", "shape"), CONVOLUTION)
def test_configs_are_read_in_both_directions(name, arguments, shape):
    ours, theirs = (getattr(each.layers, name)(**arguments, name="it") for each in (pw, keras))
    from_theirs = type(ours).from_config(theirs.get_config())
    assert wide_numbers(from_theirs.get_config()) == ours.get_config()
    again = type(theirs).from_config(ours.get_config())
    again.build(shape), ours.build(shape)
    assert [(w.name, w.shape) for w in again.weights] == [(w.name, w.shape) for w in ours.weights]
    assert tuple(again.compute_output_shape(shape)) == ours.compute_output_shape(shape)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_unknown_positions_stay_unknown(name, data_format):
    _, arguments, shape = FIRST_ROWS[name]
    rank = len(shape) - 2
    layer = getattr(layers, name)(**{**arguments, "data_format": data_format, "padding": "same"})
    unknown = (None,) * rank
    inputs = pw.Input((*unknown, 3) if data_format == "channels_last" else (3, *unknown))
    y = layer(inputs)
    assert y.shape == (
        (None, *unknown, y.shape[-1]) if data_format == "channels_last" else (None, y.shape[1], *unknown)
    )
    x = RNG.normal(size=(2, *(5,) * rank, 3)).astype("float32")
    assert pw.Model(inputs, y)(x if data_format == "channels_last" else np.moveaxis(x, -1, 1)).shape[0] == 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_half_precision_agrees_with_keras(name, policy):
    _, arguments, shape = FIRST_ROWS[name]
    ours, theirs = (getattr(each.layers, name)(**arguments, dtype=policy) for each in (pw, keras))
    x = inputs_of(shape)
    ours(x), theirs(x)
    theirs.set_weights([RNG.normal(size=w.shape) for w in theirs.weights])
    ours.set_weights([np.asarray(w) for w in theirs.weights])
    found, wanted = ours(x), theirs(x)
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(
        np.asarray(found, np.float32), np.asarray(wanted.astype("float32")), rtol=2e-2, atol=2e-2
    )


def test_both_layouts_give_the_same_numbers():
    for name in NAMES:
        _, arguments, shape = FIRST_ROWS[name]
        last, first = (
            getattr(layers, name)(**arguments, data_format=each) for each in ("channels_last", "channels_first")
        )
        x = inputs_of(shape)
        y = last(x)
        first(np.moveaxis(x, -1, 1))
        first.set_weights(last.get_weights())
        np.testing.assert_allclose(np.moveaxis(first(np.moveaxis(x, -1, 1)), 1, -1), y, rtol=1e-5, atol=1e-6)


def test_integers_are_taken_as_numbers():
    pixels = RNG.integers(0, 255, (2, 5, 5, 3), dtype=np.uint8)
    layer = layers.Conv2D(2, 3)
    np.testing.assert_array_equal(layer(pixels), layer(pixels.astype("float32")))


def test_a_mask_ends_at_a_convolution_as_in_keras():
    for name in NAMES:
        _, arguments, shape = FIRST_ROWS[name]
        layer = getattr(layers, name)(**arguments)
        assert layer.compute_mask(np.zeros(shape), np.ones(shape[:2], bool)) is None
        assert not getattr(keras.layers, name)(**arguments).supports_masking


def test_a_causal_output_sees_no_later_step():
    layer = layers.Conv1D(2, 3, padding="causal", dilation_rate=2)
    x = RNG.normal(size=(1, 9, 2)).astype("float32")
    later = x.copy()
    later[:, 5:] += 1
    np.testing.assert_array_equal(layer(x)[:, :5], layer(later)[:, :5])


@pytest.mark.parametrize("channels", [2, 40])
def test_agreement_with_keras_of_kernels_of_many_positions_or_groups(channels):
    arguments = {"kernel_size": 131, "padding": "same"}
    ours, theirs = (each.layers.DepthwiseConv1D(**arguments) for each in (pw, keras))
    check_layer(ours, theirs, inputs_of((2, 9, channels)))


def test_a_convolution_can_be_wrapped_in_spectral_normalization():
    layer = layers.SpectralNormalization(layers.Conv2D(3, 2, use_bias=False))
    x = inputs_of((2, 5, 5, 2))
    for _ in range(30):
        layer(x, training=True)
    kernel = layer.layer.kernel.numpy()
    sigma = np.linalg.svd(kernel.reshape(-1, 3), compute_uv=False)[0]
    plain = layers.Conv2D(3, 2, use_bias=False)
    plain(x)
    plain.set_weights([kernel / sigma])
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_row_of_a_network_has_the_same_bits_alone_in_any_batch_and_place(policy):
    with dtype_policy_scope(policy):
        x = pw.Input((12, 12, 3))
        h = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(x)))
        h = layers.Add()([h, layers.Conv2D(16, 3, padding="same", groups=2)(h)])
        h = layers.SeparableConv2D(24, 3, strides=2, activation="relu")(h)
        h = layers.Conv2DTranspose(8, 3, strides=2, padding="same")(layers.DepthwiseConv2D(3, padding="same")(h))
        model = pw.Model(x, layers.Dense(5)(layers.Flatten()(h)))
    images = RNG.normal(size=(75, 12, 12, 3)).astype("float32")
    whole = model.predict(images, verbose=0)
    for size in (1, 7, 75):
        np.testing.assert_array_equal(model.predict(images, batch_size=size, verbose=0), whole)
    order = RNG.permutation(75)
    np.testing.assert_array_equal(model.predict(images[order], verbose=0), whole[order])
    for row in (0, 31, 40, 74):
        np.testing.assert_array_equal(model(images[row : row + 1])[0], whole[row])


def test_rules_set_later_are_followed_by_the_weights_they_name():
    layer = layers.SeparableConv1D(2, 3)
    layer(np.ones((1, 5, 2), "float32"))
    layer.pointwise_regularizer = "l2"
    assert layer.pointwise_kernel.regularizer is not None and layer.depthwise_kernel.regularizer is None
    layer = layers.DepthwiseConv1D(3)
    layer(np.ones((1, 5, 2), "float32"))
    layer.depthwise_constraint = "non_neg"
    assert layer.kernel.constraint is not None
    with pytest.raises(AttributeError, match=r"kernel_size of DepthwiseConv1D .* cannot be set any more"):
        layer.kernel_size = (5,)
    with pytest.raises(AttributeError, match="padding of DepthwiseConv1D"):
        layer.padding = "sane"
    with pytest.raises(AttributeError, match="strides of DepthwiseConv1D"):
        layer.strides = 2


REFUSED = [
    ("Conv2D", {"filters": 0, "kernel_size": 3}, "Conv2D's filters must be a positive integer; got 0"),
    ("Conv2D", {"filters": 2, "kernel_size": (3, 0)}, r"Conv2D's kernel_size must be a positive integer or a tuple of 2 of them; got \(3, 0\)"),
    ("Conv2D", {"filters": 2, "kernel_size": (3, 3, 3)}, r"kernel_size must be .* a tuple of 2 of them; got \(3, 3, 3\)"),
    ("Conv1D", {"filters": 2, "kernel_size": 2.5}, "kernel_size must be a positive integer or a tuple of one; got 2.5"),
    ("Conv1D", {"filters": 2, "kernel_size": True}, "kernel_size must be .* got True"),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "strides": 0}, "strides must be a positive integer"),
    ("Conv3D", {"filters": 2, "kernel_size": 3, "dilation_rate": -1}, "dilation_rate must be a positive integer"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 3}, "filters must be divisible by groups; got filters=4 and groups=3"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 0}, "groups must be a positive integer; got 0"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "sane"}, "padding is one of 'valid', 'same'; got 'sane'. Did you mean 'same'"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, "padding is one of 'valid', 'same'; got 'causal'"),
    ("Conv1DTranspose", {"filters": 4, "kernel_size": 3, "padding": "causal"}, "padding is one of 'valid', 'same'; got 'causal'"),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "padding": 1}, "padding is one of .* got 1"),
    ("DepthwiseConv2D", {"kernel_size": 3, "data_format": "channels"}, "data_format is one of .*'channels_first'; got 'channels'"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": (1, 2)}, r"Conv2D takes strides or a dilation_rate above 1, not both; got strides=\(2, 2\)"),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2}, "strides or a dilation_rate above 1, not both"),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "output_padding": 1}, r"output_padding must be less than its strides; got output_padding=\(1, 1\)"),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "output_padding": -1}, "output_padding must be an integer of at least 0"),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 0}, "depth_multiplier must be a positive integer; got 0"),
    ("SeparableConv2D", {"filters": 1, "kernel_size": 3, "use_bias": "no"}, "use_bias is True or False; got 'no'"),
    ("Conv1D", {"filters": 1, "kernel_size": 3, "stride": 2}, "Conv1D has no argument 'stride'. Did you mean 'strides'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "message"), REFUSED)
def test_the_constructor_refuses_what_cannot_be_meant(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(**arguments)


AT_THE_CALL = [
    (layers.Conv2D(2, 5, name="c"), (1, 4, 6, 1), r"Conv2D 'c' has a kernel larger than its input: with kernel_size=\(5, 5\) it reaches over 5 x 5 positions, and an input of shape \(1, 4, 6, 1\) .* has 4 x 6"),
    (layers.Conv1D(2, 3, dilation_rate=3, name="c"), (1, 6, 1), r"and dilation_rate=\(3,\) it reaches over 7 positions"),
    (layers.DepthwiseConv2D(3, data_format="channels_first", name="c"), (1, 4, 4, 2), "kernel larger than its input.*data_format='channels_first' has 4 x 2"),
    (layers.SeparableConv1D(2, 9), (1, 4, 1), "kernel larger than its input"),
    (layers.Conv2D(4, 1, groups=2, name="c"), (1, 4, 4, 3), r"Conv2D 'c' has groups=2, which do not divide the 3 channels of an input of shape \(1, 4, 4, 3\)"),
    (layers.Conv2D(4, 1, name="c"), (1, 4, 3), r"Layer 'c' \(Conv2D\) expects an input with 4 axes .*got an input of shape \(1, 4, 3\)"),
    (layers.Conv1DTranspose(4, 1, name="c"), (1, 4, 3, 3), r"'c' \(Conv1DTranspose\) expects an input with 3 axes"),
    (layers.Conv1DTranspose(4, 2, padding="same", output_padding=0, name="c"), (1, 1, 3), "'c' would make an empty output of 0 positions"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape", "message"), AT_THE_CALL)
def test_an_input_that_does_not_fit_is_refused_at_the_call(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(np.zeros(shape, "float32"))
    with pytest.raises(ValueError):
        layer(pw.Input(shape[1:]))


def test_a_small_input_is_refused_where_sizes_were_unknown_before():
    x = pw.Input((None, 2))
    model = pw.Model(x, layers.Conv1D(2, 5, name="wide")(x))
    with pytest.raises(ValueError, match="Conv1D 'wide' has a kernel larger than its input"):
        model(np.zeros((1, 4, 2), "float32"))


def test_other_channels_and_unknown_ones_are_refused():
    layer = layers.Conv2D(2, 3, name="c")
    layer(np.zeros((1, 4, 4, 3), "float32"))
    with pytest.raises(
        ValueError, match=r"expects an input of size 3 on axis -1; got an input of shape \(1, 4, 4, 2\)"
    ):
        layer(np.zeros((1, 4, 4, 2), "float32"))
    with pytest.raises(ValueError, match="Conv2D 'd' needs a known number of channels"):
        layers.Conv2D(2, 3, name="d")(pw.Input((4, 4, None)))


def test_no_rows_give_no_rows():
    for name in NAMES:
        _, arguments, shape = FIRST_ROWS[name]
        layer = getattr(layers, name)(**arguments)
        assert layer(np.zeros((0, *shape[1:]), "float32")).shape[0] == 0
