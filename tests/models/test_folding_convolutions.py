"""fold and convolutions: batch normalization goes into their kernels wherever that is exact, in any layout."""

import numpy as np
import pytest
from test_folding import difference, rows, trained

import phasewise as pw
from phasewise import layers
from phasewise.layers import BatchNormalization

pytestmark = pytest.mark.extensive

KINDS = {
    "Conv1D": {"filters": 6, "kernel_size": 3, "groups": 2},
    "Conv2D": {"filters": 6, "kernel_size": 3, "strides": 2},
    "Conv3D": {"filters": 4, "kernel_size": 2, "use_bias": False},
    "Conv1DTranspose": {"filters": 4, "kernel_size": 3, "strides": 2},
    "Conv2DTranspose": {"filters": 4, "kernel_size": 2, "use_bias": False},
    "Conv3DTranspose": {"filters": 4, "kernel_size": 2},
    "DepthwiseConv1D": {"kernel_size": 3, "depth_multiplier": 2, "dilation_rate": 2},
    "DepthwiseConv2D": {"kernel_size": 3, "use_bias": False},
    "SeparableConv1D": {"filters": 6, "kernel_size": 3, "depth_multiplier": 2},
    "SeparableConv2D": {"filters": 6, "kernel_size": 3, "use_bias": False},
}


def network(name, before, after, **more):
    """A row's shape and a model: batch normalization before and after a layer, as asked; axes by `data_format`."""
    rank = int(name[-2] if name[-1] == "D" else name[4])
    first = more.get("data_format") == "channels_first"
    shape, axis = ((4, *(6,) * rank), 1) if first else ((*(6,) * rank, 4), -1)
    chain = [BatchNormalization(axis=axis, name="before", **before)] if before is not None else []
    chain += [getattr(layers, name)(**{**KINDS[name], **more}, name="it")]
    chain += [BatchNormalization(axis=axis, name="after")] if after else []
    return shape, trained(pw.Sequential([pw.Input(shape), *chain, layers.ReLU()]))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("name", KINDS)
def test_after_a_convolution_of_any_kind(name, padding, data_format):
    shape, model = network(name, None, True, padding=padding, data_format=data_format)
    error, folding = difference(model, rows(*shape))
    assert error < 1e-5
    assert [(row.layer, row.place, row.into) for row in folding] == [("after", "after", ("it",))]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", [name for name in KINDS if "Transpose" not in name])
def test_before_a_convolution_without_padding(name, data_format):
    shape, model = network(name, {}, True, padding="valid", data_format=data_format)
    error, folding = difference(model, rows(*shape))
    assert error < 1e-5
    assert [row.place for row in folding] == ["before", "after"]


@pytest.mark.parametrize("name", KINDS)
def test_a_shift_before_a_convolution_with_padding_is_left_alone(name):
    shape, model = network(name, {}, True, padding="same")
    error, folding = difference(model, rows(*shape))
    assert error < 1e-5 and [row.layer for row in folding] == ["after"]
    reason = (
        "sees as many inputs" if "Transpose" in name else "with padding='same' puts zeros around the normalized input"
    )
    assert reason in folding.left["before"] and "'it'" in folding.left["before"]


@pytest.mark.parametrize("name", KINDS)
def test_a_scale_alone_goes_into_a_convolution_with_padding(name):
    shape, model = network(name, {"center": False}, False, padding="same")
    model.get_layer("before").moving_mean.assign(np.zeros(4))
    error, folding = difference(model, rows(*shape))
    assert error < 1e-5 and [row.place for row in folding] == ["before"]


def test_a_causal_convolution_keeps_a_shift_before_it():
    chain = [BatchNormalization(name="before"), layers.Conv1D(3, 2, padding="causal", name="it")]
    model = trained(pw.Sequential([pw.Input((5, 2)), *chain, BatchNormalization(name="after")]))
    error, folding = difference(model, rows(5, 2))
    assert error < 1e-5 and "padding='causal'" in folding.left["before"]


def test_a_kernel_of_one_position_pads_nothing():
    chain = [BatchNormalization(), layers.Conv2D(3, 1, strides=2, padding="same")]
    error, folding = difference(trained(pw.Sequential([pw.Input((5, 5, 2)), *chain])), rows(5, 5, 2))
    assert error < 1e-5 and [row.place for row in folding] == ["before"]
    chain = [BatchNormalization(), layers.Conv2DTranspose(3, 1)]
    error, folding = difference(trained(pw.Sequential([pw.Input((5, 5, 2)), *chain])), rows(5, 5, 2))
    assert error < 1e-5 and [row.place for row in folding] == ["before"]


def test_a_mean_far_from_zero_is_subtracted_before_a_convolution():
    chain = [BatchNormalization(name="far"), layers.Conv2D(3, 3)]
    model = trained(pw.Sequential([pw.Input((5, 5, 2)), *chain]), far=1000.0)
    x = rows(5, 5, 2) + model.get_layer("far").moving_mean.numpy()
    error, folding = difference(model, x)
    assert error < 1e-5 and folding["far"].centred


def test_a_residual_network_folds_behind_each_convolution():
    x = pw.Input((8, 8, 3))
    h = layers.ReLU()(BatchNormalization(name="stem")(layers.Conv2D(4, 3, padding="same", use_bias=False)(x)))
    y = layers.ReLU()(BatchNormalization(name="first")(layers.Conv2D(4, 3, padding="same", use_bias=False)(h)))
    y = BatchNormalization(name="second")(layers.Conv2D(4, 3, padding="same", use_bias=False)(y))
    model = trained(pw.Model(x, layers.Dense(3)(layers.Flatten()(layers.ReLU()(layers.Add()([h, y]))))))
    error, folding = difference(model, rows(8, 8, 3))
    assert error < 1e-4 and [row.layer for row in folding] == ["stem", "first", "second"]
    assert not any(isinstance(layer, BatchNormalization) for layer in folding.model.layers)
