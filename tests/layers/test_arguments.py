"""Arguments of layers that cannot mean anything are refused when the layer is made, or when it sees its input."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

REFUSED = [
    ("RepeatVector", {"n": 0}, "n must be a positive integer; got 0"),
    ("RepeatVector", {"n": -1}, "n must be a positive integer; got -1"),
    ("RepeatVector", {"n": True}, "n must be a positive integer; got True"),
    ("RepeatVector", {"n": 1.5}, "n must be a positive integer; got 1.5"),
    ("Reshape", {"target_shape": (-2, 5)}, r"made of sizes, and at most one -1; got \(-2, 5\)"),
    ("Reshape", {"target_shape": (2.5, 5)}, "target_shape must be a tuple of integers"),
    ("Reshape", {"target_shape": (None, 5)}, "target_shape must be a tuple of integers"),
    ("Reshape", {"target_shape": (True, 5)}, "target_shape must be a tuple of integers"),
    ("Reshape", {"target_shape": 5}, r"tuple of integers; got 5. Did you mean \(5,\)"),
    ("Reshape", {"target_shape": "25"}, "target_shape must be a tuple of integers; got '25'"),
    ("Permute", {"dims": 2}, r"dims must be a tuple of integers; got 2. Did you mean \(2,\)"),
    ("Permute", {"dims": (1.0, 2.0)}, "dims must be a tuple of integers"),
    ("Dense", {"units": 1, "trainable": "no"}, "Dense's trainable is True or False; got 'no'"),
    ("Dense", {"units": 1, "use_bias": "no"}, "Dense's use_bias is True or False; got 'no'"),
    ("Dense", {"units": "3"}, "units must be a positive integer; got '3'"),
    ("LeakyReLU", {"negative_slope": "a"}, "negative_slope must be a finite number of at least 0; got 'a'"),
    ("LeakyReLU", {"negative_slope": float("nan")}, "negative_slope must be a finite number"),
    ("ReLU", {"threshold": float("nan")}, "threshold must be a finite number of at least 0"),
    ("ReLU", {"max_value": "a"}, "max_value must be a finite number of at least 0"),
    ("ELU", {"alpha": None}, "alpha must be a finite number; got None"),
    ("PReLU", {"shared_axes": "ab"}, "shared_axes must be a tuple of integers"),
    ("PReLU", {"shared_axes": [0]}, r"shared_axes count from 1, the axis behind the batch's; got \[0\]"),
    ("Softmax", {"axis": 1.5}, "axis must be an integer; got 1.5"),
    ("Concatenate", {"axis": None}, "axis must be an integer; got None"),
    ("Dot", {"axes": 1, "normalize": "no"}, "normalize is True or False; got 'no'"),
    ("Rescaling", {"scale": "a"}, "scale must be a number or an array of numbers; got 'a'"),
    ("Rescaling", {"scale": 1, "offset": None}, "offset must be a number or an array of numbers; got None"),
    ("Dropout", {"rate": 0.5, "seed": "a"}, "seed is an integer or None; got 'a'"),
    ("Dropout", {"rate": 0.5, "seed": 1.5}, "seed is an integer or None; got 1.5"),
    ("GaussianNoise", {"stddev": float("inf")}, "stddev must be a finite number of at least 0"),
    ("BatchNormalization", {"epsilon": float("inf")}, "epsilon must be a number at least 0; got inf"),
    ("BatchNormalization", {"center": "no"}, "center is True or False; got 'no'"),
    ("GroupNormalization", {"scale": "no"}, "scale is True or False; got 'no'"),
    ("Normalization", {"invert": "no"}, "invert is True or False; got 'no'"),
    ("Normalization", {"mean": 0.0, "variance": -1.0}, "variance must be at least 0; got -1.0"),
    ("Input", {"batch_size": 2, "batch_shape": (2, 3)}, "batch_size is not given beside it; got batch_size=2"),
    ("Input", {"shape": (3,), "batch_size": 0}, "batch_size must be a positive integer; got 0"),
    ("Input", {"shape": (3,), "batch_size": "a"}, "batch_size must be a positive integer; got 'a'"),
    ("Input", {"shape": (True,)}, "made of positive integers and None"),
    ("Input", {"batch_shape": ()}, "begins with the batch axis"),
]


@pytest.mark.parametrize(("name", "arguments", "message"), REFUSED)
def test_the_constructor_refuses_what_cannot_be_meant(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(**arguments)


def test_what_is_no_integer_or_dict_is_refused():
    with pytest.raises(TypeError, match="axis must be an integer; got True"):
        layers.BatchNormalization(axis=True)
    with pytest.raises(TypeError, match="arguments are a dict of keyword arguments; got 3"):
        layers.Lambda(abs, arguments=3)


@pytest.mark.parametrize(
    ("layer", "count", "message"),
    [
        (layers.PReLU(shared_axes=[3]), 1, r"shared_axes=\[3\]; its input of shape .* has the axes 1 to 2"),
        (layers.Concatenate(axis=3), 2, "axis=3, which inputs of shapes .* do not all have"),
        (layers.Dot(axes=3), 2, "axes=3; an input of shape .* has the axes 1 to 2"),
        (layers.Dot(axes=(1, 0)), 2, r"axes=\(1, 0\); an input of shape"),
    ],
)
def test_an_axis_that_the_input_does_not_have_is_refused_at_the_call(layer, count, message):
    inputs = [np.ones((2, 3, 3), np.float32)] * count
    with pytest.raises(ValueError, match=message):
        layer(inputs if count > 1 else inputs[0])


def test_whole_numbers_of_numpy_are_taken():
    assert layers.RepeatVector(np.int64(2)).n == 2
    assert layers.Reshape((np.int32(2), -1)).target_shape == (2, -1)
    assert pw.Input((np.int64(3),), batch_size=np.int64(4)).shape == (4, 3)
    assert not layers.Dense(1, trainable=np.bool_(False)).trainable


def test_an_activation_that_is_none_leaves_its_input_as_in_keras():
    np.testing.assert_array_equal(layers.Activation(None)(np.float32([-1, 2])), [-1, 2])


def test_rescaling_by_arrays_stays_in_the_compute_dtype_and_is_rounded_once():
    layer = layers.Rescaling(np.full(3, 1 / 127.5), np.full(3, -1.0), dtype="mixed_bfloat16")
    y = layer(np.full((2, 3), 200, "uint8"))
    assert y.dtype == layer.compute_dtype == "bfloat16"
    np.testing.assert_array_equal(y, np.asarray(np.float32(200 / 127.5 - 1)).astype(y.dtype))
