"""Layers over spatial axes: unknown sizes, configs, dtypes, masks, and what they refuse."""

import copy
import json
import pickle
import warnings

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from spatial_rows import ROWS

import phasewise as pw
from parity import arguments as arguments_of
from parity import inputs_of
from phasewise import layers

pytestmark = pytest.mark.extensive

NAMES = sorted({name for name, _, _ in ROWS})
FIRST = {name: (arguments, shape) for name, arguments, shape in reversed(ROWS)}


def both(kind, arguments, **more):
    """Our layer and Keras's."""
    return (getattr(library.layers, kind)(**arguments, **more) for library in (pw, keras))


@pytest.mark.parametrize("name", NAMES)
def test_the_arguments_are_those_of_keras_in_order_with_their_defaults(name):
    ours, theirs = (getattr(library.layers, name).__init__ for library in (pw, keras))
    assert arguments_of(ours) == arguments_of(theirs)


@pytest.mark.parametrize(("name", "arguments", "shape"), ROWS)
def test_unknown_sizes_stay_unknown_and_the_others_are_found_as_in_keras(name, arguments, shape):
    ours, theirs = both(name, arguments)
    for unknown in (range(1), range(len(shape) - 1), range(2, len(shape))):
        given = tuple(None if axis in (0, *unknown) else size for axis, size in enumerate(shape))
        expected = tuple(theirs.compute_output_shape(given))
        assert ours.compute_output_shape(given) == expected
        assert ours(pw.Input(given[1:])).shape == expected


@pytest.mark.parametrize(("name", "arguments", "shape"), ROWS)
def test_configs_go_through_json_both_ways(name, arguments, shape):
    ours, theirs = both(name, arguments, name="it")
    mine, others = (json.loads(json.dumps(layer.get_config())) for layer in (ours, theirs))
    assert type(ours).from_config(others).get_config() == ours.get_config()
    assert type(theirs).from_config(mine).get_config() == theirs.get_config()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_layer_was_made_with_reads_as_in_keras(name):
    ours, theirs = both(name, FIRST[name][0])
    for key in ("pool_size", "strides", "padding", "output_size", "keepdims", "cropping", "size", "data_format"):
        if hasattr(theirs, key) and (key != "data_format" or "data_format" in theirs.get_config()):
            assert getattr(ours, key) == getattr(theirs, key), key


@pytest.mark.parametrize("name", [name for name in NAMES if "2D" in name])
def test_under_mixed_bfloat16_output_and_gradient_are_the_float32_ones_rounded(name):
    arguments, shape = FIRST[name]
    x = np.asarray(jnp.bfloat16(inputs_of(shape)), "float32")
    ours = getattr(layers, name)(**arguments, dtype="mixed_bfloat16")
    exact = getattr(keras.layers, name)(**arguments, dtype="float32")
    weights = jnp.float32(jnp.bfloat16(inputs_of(tuple(exact.compute_output_shape(shape)), seed=1)))

    def total(layer, x):
        y = layer(x)
        return (y * weights.astype(y.dtype)).astype("float32").sum(), y

    (_, y), slope = jax.jit(jax.value_and_grad(lambda x: total(ours, x), has_aux=True))(x)
    (_, y_exact), slope_exact = jax.jit(jax.value_and_grad(lambda x: total(exact, x), has_aux=True))(x)
    assert y.dtype == "bfloat16"
    np.testing.assert_allclose(np.float32(y), y_exact, rtol=2**-8, atol=1e-6)
    np.testing.assert_allclose(slope, slope_exact, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_interpolation_in_bfloat16_is_computed_in_float32(interpolation):
    x = np.asarray(jnp.bfloat16(inputs_of((2, 5, 6, 3))), "float32")
    y = layers.UpSampling2D(3, interpolation=interpolation, dtype="bfloat16")(x)
    exact = keras.layers.UpSampling2D(3, interpolation=interpolation)(x)
    np.testing.assert_allclose(np.float32(y), exact, rtol=2**-8, atol=1e-6)


def test_words_may_be_written_in_capitals():
    assert layers.MaxPooling2D(padding="SAME").padding == "same"
    assert layers.UpSampling2D(interpolation="Bilinear").interpolation == "bilinear"


def test_whole_numbers_of_numpy_and_lists_are_taken():
    assert layers.MaxPooling2D(np.int64(2), strides=[np.int32(1), 2]).get_config()["strides"] == (1, 2)
    assert layers.ZeroPadding2D(np.array([[0, 1], [2, 3]])).padding == ((0, 1), (2, 3))
    assert layers.Cropping1D([np.int64(1), 0]).cropping == (1, 0)


@pytest.mark.parametrize("name", ["MaxPooling2D", "AdaptiveMaxPooling2D", "GlobalMaxPooling2D"])
def test_equal_entries_share_the_gradient_as_in_keras(name):
    """Behind a ReLU most windows hold several zeros."""
    arguments = {"MaxPooling2D": {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"}}
    arguments = arguments.get(name, {"output_size": (2, 3)} if "Adaptive" in name else {})
    x = jnp.maximum(np.random.default_rng(5).integers(-4, 2, (3, 7, 6, 2)), 0).astype("float32")
    ours, theirs = (
        jax.jit(jax.grad(lambda x, layer=layer: (layer(x) * jnp.cos(jnp.arange(2.0))).sum()))(x)
        for layer in both(name, arguments)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_row_keeps_its_bits_in_bfloat16_whatever_the_batch():
    x = np.random.default_rng(0).normal(size=(9, 8, 8, 4)).astype("float32")
    inputs = pw.Input((8, 8, 4))
    parts = [layers.AveragePooling2D(3, 2, "same"), layers.UpSampling2D(3, interpolation="lanczos3")]
    parts += [layers.MaxPooling2D(2), layers.AdaptiveAveragePooling2D(4), layers.GlobalAveragePooling2D()]
    for part in parts:
        part.dtype_policy = "mixed_bfloat16"
    model = pw.Sequential([inputs, *parts])
    whole = model.predict(x, verbose=0)
    assert whole.dtype == "bfloat16"
    for rows in ([0], [4, 2], [8, 7, 6, 5, 4, 3, 2, 1, 0]):
        np.testing.assert_array_equal(model.predict(x[rows], verbose=0), whole[rows])


def test_a_layer_is_copied_and_pickled():
    x = inputs_of((2, 6, 6, 1))
    layer = layers.AveragePooling2D((2, 3), padding="same")
    for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(again(x), layer(x))
        again.strides = 1
        assert (again.strides, layer.strides) == ((1, 1), (2, 3))


# -- masks


class Masked(pw.Layer):
    """Steps whose first entry is 0 do not count."""

    def call(self, inputs):
        return inputs + 0

    def compute_mask(self, inputs, previous_mask):
        return inputs[..., 0] != 0


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_masked_steps_do_not_count_in_a_mean_as_in_keras(data_format, keepdims):
    x, mask = inputs_of((4, 6, 3)), np.random.default_rng(2).random((4, 6)) > 0.4
    x = x if data_format == "channels_last" else x.transpose(0, 2, 1)
    ours, theirs = both("GlobalAveragePooling1D", {"data_format": data_format, "keepdims": keepdims})
    np.testing.assert_allclose(ours(x, mask=mask), theirs(x, mask=mask), rtol=1e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_masked_steps_are_never_the_largest(data_format):
    x = np.float32([[[-1, -4], [-2, -3], [0, 0]], [[5, 6], [9, 9], [9, 9]]])
    mask = np.array([[True, True, False], [True, False, False]])
    x = x if data_format == "channels_last" else x.transpose(0, 2, 1)
    y = layers.GlobalMaxPooling1D(data_format=data_format)(x, mask=mask)
    np.testing.assert_array_equal(y, [[-1, -3], [5, 6]])


@pytest.mark.parametrize("name", ["GlobalMaxPooling1D", "GlobalAveragePooling1D"])
def test_a_row_that_is_wholly_masked_gives_0_with_no_gradient(name):
    layer, mask = getattr(layers, name)(), np.array([[True, False], [False, False]])
    x = jnp.array([[[2.0], [7.0]], [[np.nan], [3.0]]])
    y, gradient = jax.value_and_grad(lambda x: layer(x, mask=mask).sum())(x)
    np.testing.assert_array_equal(y, 2)
    np.testing.assert_array_equal(gradient, [[[1], [0]], [[0], [0]]])


@pytest.mark.parametrize("name", ["GlobalMaxPooling1D", "GlobalAveragePooling1D"])
def test_a_mask_that_travels_with_its_sequence_is_used_and_ends(name):
    class SeesMask(pw.Layer):
        def call(self, inputs, mask=None):
            return inputs * (1.0 if mask is None else 0.0)

    inputs = pw.Input((None, 1))
    model = pw.Model(inputs, SeesMask()(getattr(layers, name)()(Masked()(inputs))))
    x = np.float32([[[-4], [-2], [0]], [[-6], [0], [0]]])
    expected = {"GlobalMaxPooling1D": [[-2], [-6]], "GlobalAveragePooling1D": [[-3], [-6]]}[name]
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)


def test_a_mask_of_another_shape_is_refused():
    for name in ("GlobalMaxPooling1D", "GlobalAveragePooling1D"):
        layer = getattr(layers, name)(name="it")
        message = (
            rf"{name} 'it' was given a mask of shape \(2, 4\) for an input of shape \(2, 3, 4\).* of shape \(2, 3\)"
        )
        with pytest.raises(ValueError, match=message):
            layer(np.ones((2, 3, 4), "float32"), mask=np.ones((2, 4), bool))


@pytest.mark.parametrize("name", [name for name in NAMES if len(FIRST[name][1]) == 3 and "Global" not in name])
def test_a_mask_that_cannot_go_on_is_told_of(name):
    x = np.ones((2, 6, 3), "float32")
    layer = getattr(layers, name)(**FIRST[name][0], name="it")
    model = pw.Sequential([pw.Input((6, 3)), Masked(), layer])
    with pytest.warns(pw.warning.LostMaskWarning, match=rf"Layer 'it' \({name}\) drops the mask of its input"):
        model.predict(x, verbose=0)
    with pytest.warns(pw.warning.LostMaskWarning, match="'it' .* drops the mask"):
        getattr(layers, name)(**FIRST[name][0], name="it")(x, mask=np.ones((2, 6), bool))


def test_nothing_is_told_where_no_mask_is_lost():
    class Inside(pw.Layer):
        def __init__(self):
            super().__init__()
            self.pool = layers.GlobalMaxPooling1D()

        def call(self, inputs):
            return self.pool(inputs)

    x = np.ones((2, 6, 3), "float32")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        layers.UpSampling1D()(x)
        for last in (layers.GlobalAveragePooling1D(), layers.LayerNormalization(), Inside()):
            pw.Sequential([pw.Input((6, 3)), Masked(), last]).predict(x, verbose=0)
        inner = pw.Sequential([pw.Input((6, 3)), layers.Dense(2), layers.GlobalMaxPooling1D()])
        pw.Sequential([pw.Input((6, 3)), Masked(), inner]).predict(x, verbose=0)
    assert not [each for each in told if each.category is pw.warning.LostMaskWarning]


# -- what is refused

MADE = [
    (
        "MaxPooling2D",
        {"pool_size": (2, 2, 2)},
        r"pool_size must be a positive integer or a tuple of 2 of them; got \(2, 2, 2\)",
    ),
    ("MaxPooling1D", {"pool_size": (2, 2)}, r"pool_size must be a positive integer or a tuple of one; got \(2, 2\)"),
    (
        "AveragePooling3D",
        {"pool_size": 0},
        "AveragePooling3D's pool_size must be a positive integer or a tuple of 3 of them; got 0",
    ),
    ("MaxPooling2D", {"pool_size": 2.0}, "pool_size must be a positive integer .* got 2.0"),
    ("MaxPooling2D", {"pool_size": None}, "pool_size must be a positive integer .* got None"),
    ("AveragePooling2D", {"pool_size": 2, "strides": (1, 0)}, r"strides must be a positive integer .* got \(1, 0\)"),
    ("AveragePooling2D", {"pool_size": 2, "strides": True}, "strides must be a positive integer .* got True"),
    (
        "MaxPooling2D",
        {"padding": "sam"},
        "MaxPooling2D's padding is one of 'valid', 'same'; got 'sam'. Did you mean 'same'?",
    ),
    ("MaxPooling1D", {"padding": "causal"}, "padding is one of 'valid', 'same'; got 'causal'"),
    ("AveragePooling1D", {"pool_size": 2, "padding": 1}, "padding is one of 'valid', 'same'; got 1"),
    (
        "MaxPooling2D",
        {"data_format": "channel_last"},
        "data_format is one of .*; got 'channel_last'. Did you mean 'channels_last'",
    ),
    (
        "GlobalMaxPooling2D",
        {"data_format": "NHWC"},
        "GlobalMaxPooling2D's data_format is one of 'channels_last', 'channels_first'",
    ),
    ("GlobalAveragePooling1D", {"keepdims": "no"}, "keepdims is True or False; got 'no'"),
    ("AdaptiveMaxPooling2D", {"output_size": (3, 0)}, r"output_size must be a positive integer .* got \(3, 0\)"),
    (
        "AdaptiveAveragePooling1D",
        {"output_size": "3"},
        "output_size must be a positive integer or a tuple of one; got '3'",
    ),
    ("UpSampling1D", {"size": 0}, "UpSampling1D's size must be a positive integer; got 0"),
    ("UpSampling2D", {"size": (1.5, 2)}, r"size must be a positive integer .* got \(1.5, 2\)"),
    (
        "UpSampling2D",
        {"interpolation": "bilinar"},
        "interpolation is one of 'nearest', .* got 'bilinar'. Did you mean 'bilinear'?",
    ),
    ("UpSampling2D", {"interpolation": None}, "interpolation is one of 'nearest', .* got None"),
    ("ZeroPadding1D", {"padding": -1}, "padding must be an integer of at least 0, or a pair .* got -1"),
    (
        "ZeroPadding1D",
        {"padding": (1, 2, 3)},
        r"padding must be an integer of at least 0, or a pair \(before, behind\) of them; got \(1, 2, 3\)",
    ),
    (
        "ZeroPadding2D",
        {"padding": ((1, 2), (3, -4))},
        r"padding must be .* or a tuple of 2 of them, or of 2 pairs .* got \(\(1, 2\), \(3, -4\)\)",
    ),
    (
        "ZeroPadding3D",
        {"padding": (1, 2)},
        r"ZeroPadding3D's padding must be .* a tuple of 3 of them, or of 3 pairs .* got \(1, 2\)",
    ),
    ("ZeroPadding2D", {"padding": "same"}, "padding must be an integer of at least 0, .* got 'same'"),
    ("Cropping1D", {"cropping": (0, -1)}, r"cropping must be an integer of at least 0, .* got \(0, -1\)"),
    ("Cropping2D", {"cropping": -2}, "Cropping2D's cropping must be an integer of at least 0, .* got -2"),
    ("Cropping2D", {"cropping": ((1, 2, 3), 1)}, r"cropping must be .* got \(\(1, 2, 3\), 1\)"),
    ("Cropping1D", {"data_format": "channels_first"}, "Cropping1D has no argument 'data_format'"),
    ("MaxPooling2D", {"poolsize": 2}, "MaxPooling2D has no argument 'poolsize'. Did you mean 'pool_size'?"),
]


@pytest.mark.parametrize(("name", "arguments", "message"), MADE)
def test_the_constructor_refuses_what_cannot_be_meant(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(**arguments)


def test_what_is_set_later_is_held_to_the_same_and_has_an_effect():
    x = inputs_of((2, 6, 6, 1))
    model = pw.Sequential([pw.Input((None, None, 1)), layers.MaxPooling2D(2, name="pool"), layers.GlobalMaxPooling2D()])
    pool, largest = model.layers[-2:]
    assert model.predict(x, verbose=0).shape == (2, 1)
    pool.pool_size, pool.strides, largest.keepdims = 3, [2, 2], True
    assert pool.pool_size == (3, 3)
    assert model.predict(x, verbose=0).shape == (2, 1, 1, 1)
    np.testing.assert_array_equal(pool(x), keras.layers.MaxPooling2D(3, 2)(x))
    with pytest.raises(ValueError, match="MaxPooling2D's padding is one of 'valid', 'same'; got 'causal'"):
        pool.padding = "causal"
    with pytest.raises(ValueError, match="GlobalMaxPooling2D's keepdims is True or False; got 'no'"):
        largest.keepdims = "no"


TOO_SMALL = [
    ("MaxPooling2D", {"pool_size": (2, 5)}, (2, 4, 4, 1), r"pool_size=\(2, 5\), which is larger than .* of sizes \(4, 4\).*padding='same'"),
    ("AveragePooling1D", {"pool_size": 4}, (2, 3, 5), r"pool_size=\(4,\), which is larger than .* of sizes \(3,\)"),
    ("MaxPooling3D", {"data_format": "channels_first"}, (2, 4, 1, 4, 4), r"larger than .* of sizes \(1, 4, 4\)"),
    ("Cropping1D", {"cropping": (1, 2)}, (2, 3, 5), r"cropping=\(1, 2\), which leaves nothing of .* of sizes \(3,\)"),
    ("Cropping2D", {"cropping": 2}, (2, 5, 4, 1), r"cropping=\(\(2, 2\), \(2, 2\)\), which leaves nothing of .* of sizes \(5, 4\)"),
    ("Cropping3D", {"data_format": "channels_first"}, (2, 9, 3, 3, 2), r"leaves nothing of .* of sizes \(3, 3, 2\)"),
    ("GlobalMaxPooling2D", {}, (2, 0, 3, 1), r"pools over spatial axes of sizes \(0, 3\): there is no entry to take"),
    ("GlobalAveragePooling1D", {}, (2, 0, 3), r"pools over spatial axes of sizes \(0,\): there is no entry to take"),
    ("AdaptiveMaxPooling1D", {"output_size": 2}, (2, 0, 3), r"pools over spatial axes of sizes \(0,\)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "shape", "message"), TOO_SMALL)
def test_an_input_that_is_too_small_is_refused_with_its_sizes(name, arguments, shape, message):
    layer = getattr(layers, name)(**arguments, name="it")
    for call in (
        lambda: layer(np.ones(shape, "float32")),
        lambda: layer(pw.Input(shape[1:])) if 0 not in shape else layer.compute_output_shape(shape),
        lambda: layer.compute_output_shape((None, *shape[1:])),
    ):
        with pytest.raises(ValueError, match=f"{name} 'it' .*{message}"):
            call()


@pytest.mark.parametrize("name", NAMES)
def test_an_input_of_another_rank_is_refused(name):
    arguments, shape = FIRST[name]
    layer = getattr(layers, name)(**arguments, name="it")
    message = (
        rf"Layer 'it' \({name}\) expects an input with {len(shape)} axes \(batch axis included\); got an input of shape"
    )
    for call in (layer, lambda x: layer.compute_output_shape(x.shape), lambda x: layer(pw.Input(x.shape[1:]))):
        with pytest.raises(ValueError, match=message):
            call(np.ones(shape[:-1], "float32"))


def test_a_batch_without_rows_stays_one():
    for name in NAMES:
        arguments, shape = FIRST[name]
        y = getattr(layers, name)(**arguments)(np.ones((0, *shape[1:]), "float32"))
        assert y.shape[0] == 0, name


def test_a_layer_over_images_learns_inside_a_model():
    x = np.random.default_rng(0).normal(size=(16, 8, 8, 1)).astype("float32")
    y = x[:, :4, :4].max((1, 2, 3))
    parts = [layers.ZeroPadding2D(1), layers.MaxPool2D(), layers.UpSampling2D(interpolation="bilinear")]
    parts += [layers.Cropping2D(1), layers.AveragePooling2D(2, padding="same"), layers.AdaptiveMaxPooling2D(3)]
    model = pw.Sequential([pw.Input((None, None, 1)), *parts, layers.Flatten(), layers.Dense(1)])
    assert model.layers[-3].output.shape == (None, 3, 3, 1)
    model.compile(pw.optimizers.Adam(0.05), "mse")
    losses = model.fit(x, y, epochs=20, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
