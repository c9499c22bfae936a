"""A model as an ONNX file: onnxruntime computes what predict computes, or the layer is named that it cannot."""

import sys

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

RNG = np.random.default_rng(0)
HINT = "pip install 'phasewise[onnx]'"


def rows(*shape):
    return RNG.normal(size=shape).astype("float32")


@pytest.fixture(scope="module")
def onnxruntime():
    pytest.importorskip("jax2onnx", reason=HINT)
    return pytest.importorskip("onnxruntime", reason=HINT)


def attention():
    inputs = pw.Input((6, 8), name="x")
    return pw.Model(inputs, layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(inputs, inputs)))


def chain(shape, *parts):
    return lambda: pw.Sequential([pw.Input(shape, name="x"), *parts])


MODELS = {
    "convolution": (
        chain(
            (9, 9, 2),
            layers.Conv2D(4, 3, padding="same", strides=2),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ),
        (9, 9, 2),
    ),
    "lstm": (chain((5, 3), layers.LSTM(4, return_sequences=True), layers.GRU(3), layers.Dense(2)), (5, 3)),
    "attention": (attention, (6, 8)),
    "any length": (chain((None, 3), layers.LSTM(4)), (7, 3)),
    "transposed": (chain((4, 4, 2), layers.Conv2DTranspose(3, 3, strides=2, padding="same")), (4, 4, 2)),
    "images in time": (chain((3, 6, 6, 2), layers.TimeDistributed(layers.Conv2D(3, 3))), (3, 6, 6, 2)),
    "windows that overlap": (
        chain((12, 12, 2), layers.MaxPooling2D(3, 2), layers.AveragePooling2D(3, 2, "same")),
        (12, 12, 2),
    ),
    "depthwise": (chain((8, 8, 2), layers.SeparableConv2D(4, 3), layers.UpSampling2D()), (8, 8, 2)),
    "bins": (chain((3,), layers.Discretization(bin_boundaries=[0.0, 1.0]), layers.Embedding(3, 2)), (3,)),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_computes_what_predict_does_for_any_number_of_rows(name, onnxruntime, tmp_path):
    make, shape = MODELS[name]
    model, path = make(), tmp_path / "net.onnx"
    for v in model.non_trainable_variables:
        v.assign(RNG.uniform(0.5, 2, v.shape))
    model.export(path, verbose=False)
    session = onnxruntime.InferenceSession(path)
    assert [each.name for each in session.get_inputs()] == ["x"]
    for count in (1, 5):
        x = rows(count, *shape)
        (found,) = session.run(None, {"x": x})
        np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_names_of_several_inputs_and_outputs(onnxruntime, tmp_path):
    left, right = pw.Input((3,), name="left"), pw.Input((4,), name="right")
    head = layers.Dense(2, name="head")(layers.Concatenate()([left, right]))
    model = pw.Model({"b": left, "a": right}, {"scores": head, "b": left})
    model.export(tmp_path / "net.onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    assert [each.name for each in session.get_inputs()] == ["a", "b"]
    assert [each.name for each in session.get_outputs()] == ["b_1", "scores"]
    x, y = rows(2, 3), rows(2, 4)
    same, scores = session.run(None, {"a": y, "b": x})
    np.testing.assert_array_equal(same, x)
    np.testing.assert_allclose(scores, model.predict({"a": y, "b": x}, verbose=0)["scores"], rtol=1e-4, atol=1e-6)


def test_what_cannot_be_converted_names_the_layer_and_leaves_nothing(onnxruntime, tmp_path):
    model = pw.Sequential([pw.Input((5, 5, 5, 1)), layers.Identity(), layers.Conv3D(2, 3, name="volume")], name="net")
    with pytest.raises(
        ValueError, match=r"'net' cannot be converted to ONNX by jax2onnx because of 'volume' \(Conv3D\)"
    ):
        model.export(tmp_path / "net.onnx")
    model = pw.Sequential([pw.Input((5,)), layers.Dense(2, dtype="mixed_bfloat16", name="narrow")])
    with pytest.raises(ValueError, match=r"'narrow' \(Dense\).*build it under the policy 'float32'"):
        model.export(tmp_path / "net.onnx")
    inputs = pw.Input((5,))
    model = pw.Model(inputs, layers.Dropout(0.5)(inputs, training=True))
    with pytest.raises(ValueError, match="would draw the same ones at every call"):
        model.export(tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_a_conversion_that_computes_something_else_is_refused(onnxruntime, tmp_path, monkeypatch):
    from phasewise.export.onnx import rewriting

    monkeypatch.setitem(rewriting._RULES, "tanh", lambda params, x: x)
    model = pw.Sequential([pw.Input((5,)), layers.Dense(2), layers.Activation("tanh", name="squash")])
    with pytest.raises(
        ValueError, match=r"because of 'squash' \(Activation\): what onnxruntime computes .* differs by"
    ):
        model.export(tmp_path / "net.onnx")


def test_without_the_converter_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jax2onnx", None)
    model = pw.Sequential([pw.Input((2,)), layers.Dense(1)])
    with pytest.raises(ImportError, match=r"needs the converter jax2onnx.*pip install 'phasewise\[onnx\]'"):
        model.export(tmp_path / "net.onnx")
