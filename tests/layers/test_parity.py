"""Every layer against Keras: outputs, gradients and state, on shared weights."""

import inspect

import augmentation_rows
import colour_rows
import jax
import keras
import numpy as np
import preprocessing_rows
import pytest
import recurrent_rows
import spatial_rows
from attention_rows import ATTENTION
from convolution_rows import CONVOLUTION

import phasewise as pw
from parity import called, check_layer, inputs_of
from phasewise.core import registry


def dense(units, **arguments):
    """A layer to be wrapped: a function of the library that makes it."""
    return lambda library=pw: library.layers.Dense(units, **arguments)


# class name, arguments, input shapes
FAMILIES = [
    *CONVOLUTION,
    *spatial_rows.ROWS,
    *recurrent_rows.TABLE,
    *ATTENTION,
    *preprocessing_rows.ROWS,
    *augmentation_rows.TABLE,
    *colour_rows.TABLE,
]
TABLE = [
    ("Dense", {"units": 3}, (4, 5)),
    ("Dense", {"units": 3, "use_bias": False, "activation": "relu"}, (4, 2, 5)),
    ("BatchNormalization", {}, (6, 5)),
    ("BatchNormalization", {"axis": 1}, (4, 3, 5)),
    ("BatchNormalization", {"momentum": 0.5, "epsilon": 1e-5}, (4, 3, 3, 2)),
    ("BatchNormalization", {"axis": 2, "center": False}, (2, 3, 4, 2)),
    ("BatchNormalization", {"scale": False}, (2, 3, 2, 2, 4)),
    ("BatchNormalization", {"center": False, "scale": False, "axis": -2}, (4, 3, 5)),
    ("LayerNormalization", {}, (4, 6)),
    ("LayerNormalization", {"axis": [1, 2], "epsilon": 1e-5}, (4, 3, 5)),
    ("LayerNormalization", {"axis": 1, "center": False}, (4, 3, 5)),
    ("LayerNormalization", {"scale": False}, (4, 3, 5)),
    ("LayerNormalization", {"axis": [2, 1], "beta_initializer": "ones", "gamma_initializer": "zeros"}, (4, 3, 5)),
    ("LayerNormalization", {"axis": (1, 3), "center": False, "scale": False}, (2, 3, 4, 5)),
    (
        "LayerNormalization",
        {
            "beta_regularizer": "l1",
            "gamma_regularizer": "l2",
            "beta_constraint": "non_neg",
            "gamma_constraint": "max_norm",
        },
        (4, 6),
    ),
    ("GroupNormalization", {"groups": 2}, (4, 6)),
    ("GroupNormalization", {"groups": -1, "epsilon": 1e-5}, (2, 4, 3)),
    ("GroupNormalization", {"groups": 1, "axis": 1, "center": False}, (2, 4, 3, 3)),
    ("GroupNormalization", {"groups": 3, "axis": -2, "scale": False}, (2, 3, 6, 2)),
    ("GroupNormalization", {"groups": 2, "center": False, "scale": False, "axis": 2}, (2, 3, 4, 2, 2)),
    ("RMSNormalization", {}, (4, 6)),
    ("RMSNormalization", {"axis": (2,), "epsilon": 1e-3}, (4, 3, 5)),
    ("RMSNormalization", {"axis": [2, 1]}, (4, 3, 5)),
    ("UnitNormalization", {}, (4, 5)),
    ("UnitNormalization", {"axis": (1, 2)}, (4, 3, 5)),
    ("SpectralNormalization", {"layer": dense(3)}, (4, 5)),
    (
        "SpectralNormalization",
        {"layer": dense(6, activation="tanh"), "power_iterations": 3},
        (4, 2, 5),
    ),
    ("Normalization", {}, (4, 5)),
    ("Normalization", {"axis": None}, (4, 5)),
    ("Normalization", {"axis": (3, 1), "invert": True}, (4, 3, 2, 5)),
    ("Normalization", {"mean": 1.5, "variance": 0.5}, (4, 5)),
    ("Normalization", {"mean": [1.0, 2.0, -3.0], "variance": [4.0, 0.1, 6.0], "axis": (1, 2)}, (4, 5, 3)),
    ("Normalization", {"mean": [1.0, 2.0], "variance": [4.0, 5.0], "invert": True}, (4, 2)),
    ("Dropout", {"rate": 0.0}, (4, 5)),
    ("AlphaDropout", {"rate": 0.0}, (4, 5)),
    ("GaussianDropout", {"rate": 0.0}, (4, 5)),
    ("GaussianNoise", {"stddev": 0.0}, (4, 5)),
    ("SpatialDropout1D", {"rate": 0.0}, (4, 3, 5)),
    ("SpatialDropout2D", {"rate": 0.0, "data_format": "channels_first"}, (4, 3, 2, 5)),
    ("SpatialDropout3D", {"rate": 0.0}, (4, 3, 2, 2, 5)),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, (4, 5)),
    ("Activation", {"activation": "tanh"}, (4, 5)),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, (4, 5)),
    ("ReLU", {}, (4, 5)),
    ("LeakyReLU", {"negative_slope": 0.2}, (4, 5)),
    ("ELU", {"alpha": 0.7}, (4, 5)),
    ("PReLU", {}, (4, 5)),
    ("PReLU", {"shared_axes": [1]}, (4, 3, 5)),
    ("Softmax", {}, (4, 5)),
    ("Softmax", {"axis": 1}, (4, 3, 5)),
    ("Flatten", {}, (4, 3, 5)),
    ("Flatten", {"data_format": "channels_first"}, (4, 3, 5)),
    ("Reshape", {"target_shape": (5, -1)}, (4, 3, 5)),
    ("Permute", {"dims": (2, 1)}, (4, 3, 5)),
    ("RepeatVector", {"n": 3}, (4, 5)),
    ("Add", {}, [(4, 5), (4, 5), (4, 1)]),
    ("Add", {}, [(4, 3, 5), (4, 5)]),
    ("Subtract", {}, [(4, 5), (4, 5)]),
    ("Multiply", {}, [(4, 5), (4, 5)]),
    ("Average", {}, [(4, 5), (4, 5)]),
    ("Maximum", {}, [(4, 5), (4, 5)]),
    ("Minimum", {}, [(4, 5), (4, 5)]),
    ("Concatenate", {}, [(4, 5), (4, 2)]),
    ("Concatenate", {"axis": 1}, [(4, 2, 5), (4, 3, 5)]),
    ("Dot", {"axes": 1}, [(4, 5), (4, 5)]),
    ("Dot", {"axes": (2, 1)}, [(4, 3, 5), (4, 5, 2)]),
    ("Dot", {"axes": 1, "normalize": True}, [(4, 5), (4, 5)]),
    ("Rescaling", {"scale": 2.0, "offset": 0.5}, (4, 5)),
    ("Identity", {}, (4, 5)),
    *FAMILIES,
]
WITHOUT_TWIN = {
    "Lambda",
    "InputLayer",
    "Functional",
    "Model",
    "Sequential",
    *recurrent_rows.CELLS,
    *preprocessing_rows.WITHOUT_TWIN,
    *augmentation_rows.RANDOM,
    *colour_rows.RANDOM,
}


# Keras predicts with a kernel that is not normalized; tests/layers/test_spectral_normalization.py has a float64 reference.
ONLY_IN_TRAINING = {"SpectralNormalization"}


WRAPPED = ("layer", "backward_layer", "cell")  # arguments that are functions of the library


def made(library, kind, arguments, **more):
    """The layer of `library`."""
    inner = {key: value(library) for key, value in arguments.items() if key in WRAPPED}
    return getattr(library.layers, kind)(**{**arguments, **inner, **more})


IN_EVERY_RUN = {
    "Bidirectional",
    "Conv2D",
    "EinsumDense",
    "Embedding",
    "GRU",
    "LSTM",
    "MaxPooling2D",
    "MultiHeadAttention",
    "RandomRotation",
    "Resizing",
}


def marked(rows):
    """The rows as cases: of a large family the first row of a class or two, and its first phase, belong to every run of the tests."""
    seen = set()
    for row in rows:
        is_further = (row[0] in seen or row[0] not in IN_EVERY_RUN) and any(row[:3] == each for each in FAMILIES)
        seen.add(row[0])
        yield pytest.param(*row, marks=[pytest.mark.extensive] if is_further else [])


def phases(name):
    """The values of `training` that a layer of this class is compared under."""
    if "training" not in inspect.signature(getattr(pw.layers, name).call).parameters:
        return [None]
    return [True] if name in ONLY_IN_TRAINING else [False, True]


@pytest.mark.parametrize(
    "name, arguments, shapes, training",
    marked((*row, training) for row in TABLE for training in phases(row[0])),
    ids=lambda v: (
        v if isinstance(v, str) else {False: "inference", True: "training"}[v] if isinstance(v, bool) else None
    ),
)
@pytest.mark.few(40)
def test_layer_agrees_with_keras(name, arguments, shapes, training):
    ours, theirs = (made(library, name, arguments) for library in (pw, keras))
    check_layer(ours, theirs, inputs_of(shapes), training=training)


def test_table_has_every_registered_layer():
    registered = {cls.__name__ for cls in registry.members("layer")}
    assert registered - WITHOUT_TWIN == {row[0] for row in TABLE}


@pytest.mark.parametrize("name, arguments, shapes", marked(TABLE), ids=lambda v: v if isinstance(v, str) else None)
@pytest.mark.few(28)
def test_layer_is_rebuilt_by_its_config(name, arguments, shapes):
    layer = made(pw, name, arguments, name="mine")
    again = type(layer).from_config(layer.get_config())
    x = inputs_of(shapes)
    y = called(layer, x)
    called(again, x)
    again.set_weights(layer.get_weights())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(called(again, x), y)


@pytest.mark.parametrize("name, arguments, shapes", marked(TABLE), ids=lambda v: v if isinstance(v, str) else None)
@pytest.mark.few(20)
def test_symbolic_shape_is_the_shape_that_comes_out(name, arguments, shapes):
    layer = made(pw, name, arguments)
    x = inputs_of(shapes)
    symbols = jax.tree.map(lambda array: pw.Input(array.shape[1:], dtype=array.dtype.name), x)
    spec = called(layer, symbols)
    assert spec.shape[0] is None
    assert spec.shape[1:] == called(layer, x).shape[1:]


def test_batch_normalization_with_a_mask_agrees_with_keras():
    x, mask = inputs_of((4, 6, 3)), np.random.default_rng(2).random((4, 6)) > 0.4
    check_layer(pw.layers.BatchNormalization(), keras.layers.BatchNormalization(), x, training=True, mask=mask)


def test_moving_statistics_follow_keras_over_several_steps():
    ours, theirs = pw.layers.BatchNormalization(momentum=0.8), keras.layers.BatchNormalization(momentum=0.8)
    for seed in range(5):
        x = inputs_of((8, 3), seed) * (seed + 1) + seed
        ours(x, training=True)
        theirs(x, training=True)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5)
