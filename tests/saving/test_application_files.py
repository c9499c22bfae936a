"""The networks of keras.applications, made and saved by Keras: they open here, predict what Keras predicts, and go back with every bit."""

import inspect
import io
import json
import zipfile
from functools import partial

import h5py
import keras
import numpy as np
import pytest
from keras.src.applications import convnext, densenet, efficientnet, efficientnet_v2, nasnet, resnet

from phasewise.saving import load_model

SIZES = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}
FAMILIES = [
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionV3",
    "MobileNet",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "Xception",
]
EVERY = sorted(
    name for name, make in vars(keras.applications).items() if inspect.isfunction(make) and name[0].isupper()
)
# What Keras writes and we do not, because it says nothing: a model made without it is the same.
SILENT = {"activity_regularizer", "build_config", "quantization_config", "rms_scaling", "shared_object_id"}


@pytest.fixture(autouse=True)
def weights_drawn_by_numpy(monkeypatch):
    """Keras would compile a program for the first values of each shape: most of the time that making a network takes."""
    rng = np.random.default_rng(2)

    def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return rng.normal(mean, stddev, shape).astype(dtype or "float32")

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return rng.uniform(minval, maxval, shape).astype(dtype or "float32")

    for name, draw in {"truncated_normal": normal, "normal": normal, "uniform": uniform}.items():
        monkeypatch.setattr(keras.src.backend.random, name, draw)


def made(make, size, gamma):
    """The network with random weights; statistics and biases too.

    `gamma` is what normalized values are scaled by. With 1, the values in the deepest of these networks grow from block to block
    until an input that is 1e-7 off gives Keras itself an entirely different output; with less they do not.
    """
    model = make(weights=None, classes=10, input_shape=(size, size, 3))
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.path.endswith("gamma"):
            variable.assign(np.full(variable.shape, gamma))
        elif variable.path.endswith("moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif variable.path.endswith(("moving_mean", "beta", "bias")):
            variable.assign(rng.normal(0, 0.1, variable.shape))
    return model


def arrays_in(path):
    with zipfile.ZipFile(path) as file, h5py.File(io.BytesIO(file.read("model.weights.h5"))) as weights:
        found = {}
        weights.visititems(lambda name, item: found.update({name: item[()]}) if hasattr(item, "shape") else None)
        return found


def config_in(path):
    with zipfile.ZipFile(path) as file:
        return told(json.loads(file.read("config.json")))


def told(config):
    """A config without what says nothing."""
    if isinstance(config, list):
        return [told(each) for each in config]
    if not isinstance(config, dict):
        return config
    return {name: told(value) for name, value in config.items() if name not in SILENT}


def logarithms(probabilities):
    return np.log(np.maximum(probabilities, 1e-30))


def check(make, folder, size=32, gamma=1.0):
    theirs = made(make, size, gamma)
    x = np.random.default_rng(1).uniform(0, 255, (2, size, size, 3)).astype("float32")
    theirs.save(folder / "theirs.keras")
    expected = theirs.predict(x, verbose=0)
    ours = load_model(folder / "theirs.keras")
    predicted = ours.predict(x, verbose=0)
    np.testing.assert_allclose(predicted, expected, atol=1e-4, rtol=0)
    # Many of these networks are sure with random weights: probabilities of 0 and 1 hide what their logarithms show.
    logits = logarithms(expected)
    np.testing.assert_allclose(logarithms(predicted), logits, atol=1e-4 * max(1.0, np.ptp(logits)), rtol=0)
    ours.save(folder / "ours.keras")
    before, after = arrays_in(folder / "theirs.keras"), arrays_in(folder / "ours.keras")
    assert before.keys() == after.keys()
    for place, array in before.items():
        np.testing.assert_array_equal(array, after[place], err_msg=place)
    assert config_in(folder / "ours.keras") == config_in(folder / "theirs.keras")
    again = keras.saving.load_model(folder / "ours.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, atol=1e-6, rtol=0)


# -- of each family a member with few and narrow blocks, so that each block is there and little is to be compiled


def shallow_resnet(stack, **options):
    """A ResNet with two blocks in each of two stages."""

    def stages(x):
        return stack(stack(x, 8, 2, stride1=1, name="conv2"), 16, 2, name="conv3")

    return resnet.ResNet(stages, use_bias=True, **options)


def shallow(blocks):
    """One repetition of every other kind of block, in Keras's own description of them."""
    return [{**block, "repeats" if "repeats" in block else "num_repeat": 1} for block in blocks[::2]]


SMALL = {
    "ConvNeXt": partial(convnext.ConvNeXt, depths=[1, 1, 1, 1], projection_dims=[8, 8, 16, 16]),
    "DenseNet": partial(densenet.DenseNet, [1, 2, 1, 1]),
    "EfficientNet": partial(
        efficientnet.EfficientNet, 0.25, 1, 32, blocks_args=shallow(efficientnet.DEFAULT_BLOCKS_ARGS)
    ),
    "EfficientNetV2": partial(
        efficientnet_v2.EfficientNetV2,
        *(0.25, 1, 32),
        blocks_args=shallow(efficientnet_v2.DEFAULT_BLOCKS_ARGS["efficientnetv2-b0"]),
    ),
    "MobileNet": partial(keras.applications.MobileNet, alpha=0.25),
    "MobileNetV2": partial(keras.applications.MobileNetV2, alpha=0.1),
    "MobileNetV3": partial(keras.applications.MobileNetV3Small, alpha=0.25),
    "NASNet": partial(nasnet.NASNet, penultimate_filters=96, num_blocks=1, stem_block_filters=8),
    "ResNet": partial(shallow_resnet, resnet.stack_residual_blocks_v1, preact=False),
    "ResNetV2": partial(shallow_resnet, resnet.stack_residual_blocks_v2, preact=True),
    "VGG": partial(keras.applications.VGG16, include_top=False, pooling="avg"),
}


@pytest.mark.few(5)
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.extensive if each == "NASNet" else ()) for each in SMALL]
)
def test_a_small_network_of_each_family(name, tmp_path):
    check(SMALL[name], tmp_path)


@pytest.mark.extensive
@pytest.mark.parametrize("name", [*FAMILIES, *(name for name in EVERY if name not in FAMILIES)])
def test_every_network_of_keras_applications(name, tmp_path):
    gamma = 0.5 if name in ("EfficientNetV2L", "EfficientNetV2M") else 1.0
    check(getattr(keras.applications, name), tmp_path, SIZES.get(name, 32), gamma)
