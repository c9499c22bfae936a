"""The models of `keras.applications` are made again from Keras's configs: the same weights in the same order, the same predictions."""

import json

import keras
import numpy as np
import pytest

import phasewise as pw

NETWORKS = [
    ("ConvNeXtTiny", 32, {}),
    ("DenseNet121", 32, {}),
    ("EfficientNetB0", 32, {}),
    ("EfficientNetV2B0", 32, {}),
    ("InceptionResNetV2", 75, {}),
    ("InceptionV3", 75, {}),
    ("MobileNet", 32, {"alpha": 0.25}),
    ("MobileNetV2", 32, {"alpha": 0.35}),
    ("MobileNetV3Small", 32, {}),
    ("NASNetMobile", 32, {}),
    ("ResNet50", 32, {}),
    ("ResNet50V2", 32, {}),
    ("VGG16", 32, {}),
    ("Xception", 71, {}),
]


def of_keras(name, size, more):
    return getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=5, **more)


@pytest.mark.extensive
@pytest.mark.parametrize(("name", "size", "more"), NETWORKS)
def test_an_application_comes_from_keras_and_goes_back(name, size, more):
    theirs = of_keras(name, size, more)
    config = json.loads(json.dumps(theirs.get_config()))
    ours = pw.Model.from_config(config)
    back = keras.Model.from_config(json.loads(json.dumps(ours.get_config())))
    shapes = [tuple(w.shape) for w in theirs.weights]
    assert [w.shape for w in ours.weights] == shapes and [tuple(w.shape) for w in back.weights] == shapes
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]


@pytest.mark.extensive
@pytest.mark.parametrize(("name", "size", "more"), NETWORKS)
@pytest.mark.filterwarnings("ignore::phasewise.warning.InitialStatisticsWarning")
def test_an_application_predicts_what_it_predicts_in_keras(name, size, more):
    theirs = of_keras(name, size, more)
    ours = pw.Model.from_config(json.loads(json.dumps(theirs.get_config())))
    rng = np.random.default_rng(0)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape) * 0.1)
            layer.gamma is None or layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
    ours.set_weights(theirs.get_weights())
    images = rng.uniform(0, 255, (2, size, size, 3)).astype("float32")
    np.testing.assert_allclose(ours.predict(images, verbose=0), theirs.predict(images, verbose=0), atol=1e-4)
