"""load_model of whole-model .h5 files: those that Keras 2 wrote, those of Keras 3, and configs of older versions."""

import json

import h5py
import keras
import numpy as np
import pytest

import phasewise as pw
from keras2_files import NAMES, unpacked

L = pw.layers
X = np.random.default_rng(0).normal(size=(3, 4, 3)).astype("float32")


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_keras_2_predicts_what_it_did_there(name, tmp_path):
    path, noted = unpacked(name, tmp_path)
    model = pw.saving.load_model(path)
    np.testing.assert_allclose(model(noted["x"]), noted["y"], rtol=1e-5, atol=1e-6)


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["nested", "recurrent", "convolutional"])
def test_a_compiled_model_of_keras_2_trains_on_as_it_did_there(name, tmp_path):
    """With Adam as it was before Keras 2.11, Adam as it was from then on, and SGD with momentum and decay."""
    path, noted = unpacked(name, tmp_path)
    model = pw.saving.load_model(path)
    model.fit(noted["x"], noted["target"], batch_size=3, epochs=1, shuffle=False, verbose=0)
    for number, weight in enumerate(model.weights):
        # TensorFlow's fused kernel follows unbiased variances: 192 values a channel, 1 / 191 of a hundredth of the variance more.
        more = 0.01 / 191 * 3 if weight.name == "moving_variance" and name == "convolutional" else 0
        np.testing.assert_allclose(weight.numpy(), noted[f"after_{number}"], rtol=1e-5, atol=1e-6 + more)


def network(library):
    layers = library.layers
    x = library.Input((4, 3))
    h = layers.BatchNormalization()(layers.Conv1D(2, 2)(x))
    h = library.ops.mean(2.0 * (h + 1.0), axis=1)
    return library.Model(x, layers.Dense(2, activation="relu", kernel_regularizer="l2")(h))


def test_a_whole_model_of_keras_3_comes_with_its_optimizer(tmp_path):
    theirs = network(keras)
    theirs.compile(keras.optimizers.Adam(0.02), keras.losses.MeanSquaredError(), metrics=["mae"])
    theirs.optimizer.build(theirs.trainable_variables)
    for number, kept in enumerate(theirs.optimizer.variables[2:]):
        kept.assign(np.full(kept.shape, number))
    theirs.save(tmp_path / "x.h5")
    ours = pw.saving.load_model(tmp_path / "x.h5")
    np.testing.assert_allclose(ours(X), theirs(X), rtol=1e-5, atol=1e-6)
    for a, b in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    assert pw.saving.load_model(tmp_path / "x.h5", compile=False).optimizer is None


# -- configs of older versions, by hand


def written(path, layers, training=None, weights=(), version="2.3.1", chain=True):
    """A whole-model file with these layers; `weights` are (name of a layer, names of weights, arrays)."""
    inner = {"name": "old", "layers": layers}
    spec = (
        {"class_name": "Sequential", "config": inner}
        if chain
        else {"class_name": "Model", "config": {**inner, **chain_ends(layers)}}
    )
    with h5py.File(path, "w") as file:
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(spec).encode(), version.encode()
        if training:
            file.attrs["training_config"] = json.dumps(training).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name, *_ in weights]
        for name, names, arrays in weights:
            of_layer = group.create_group(name)
            of_layer.attrs["weight_names"] = [each.encode() for each in names]
            for each, array in zip(names, arrays):
                of_layer[each] = array
    return path


def chain_ends(layers):
    return {"input_layers": [[layers[0]["name"], 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]]}


DENSE = {
    "name": "d",
    "units": 2,
    "trainable": True,
    "use_bias": True,
    "activation": "linear",
    "kernel_initializer": {
        "class_name": "VarianceScaling",
        "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "normal", "seed": None, "dtype": None},
    },
    "bias_initializer": {"class_name": "Zeros", "config": {"dtype": "float32"}},
}
KERNEL, BIAS = np.arange(6.0).reshape(3, 2).astype("float32"), np.float32([1, -1])
OF_DENSE = ("d", ["d/kernel:0", "d/bias:0"], [KERNEL, BIAS])


def test_the_first_layer_tells_the_shape_of_the_input(tmp_path):
    layers = [{"class_name": "Dense", "config": {**DENSE, "batch_input_shape": [None, 3], "dtype": "float32"}}]
    model = pw.saving.load_model(written(tmp_path / "x.h5", layers, weights=[OF_DENSE]))
    assert model.input_shape == (None, 3)
    np.testing.assert_allclose(model(X[:, 0]), X[:, 0] @ KERNEL + BIAS, rtol=1e-5)
    assert model.layers[0].kernel_initializer.distribution == "truncated_normal"


def test_hard_sigmoid_is_the_one_of_keras_2(tmp_path):
    layers = [
        {"class_name": "Dense", "config": {**DENSE, "activation": "hard_sigmoid", "batch_input_shape": [None, 3]}}
    ]
    model = pw.saving.load_model(written(tmp_path / "x.h5", layers, weights=[OF_DENSE]))
    np.testing.assert_allclose(
        model(X[:, 0]), np.clip(0.2 * (X[:, 0] @ KERNEL + BIAS) + 0.5, 0, 1), rtol=1e-5, atol=1e-6
    )


@pytest.mark.extensive
def test_what_was_opened_is_saved_as_a_keras_file_and_opens_again(tmp_path):
    path, noted = unpacked("arithmetic", tmp_path)
    model = pw.saving.load_model(path)
    model.save(tmp_path / "x.keras")
    np.testing.assert_array_equal(pw.saving.load_model(tmp_path / "x.keras")(noted["x"]), model(noted["x"]))
    np.testing.assert_allclose(
        keras.models.load_model(tmp_path / "x.keras")(noted["x"]), noted["y"], rtol=1e-5, atol=1e-6
    )
    layers = [
        {"class_name": "Dense", "config": {**DENSE, "activation": "hard_sigmoid", "batch_input_shape": [None, 3]}}
    ]
    model = pw.saving.load_model(written(tmp_path / "y.h5", layers, weights=[OF_DENSE]))
    model.save(tmp_path / "y.keras")
    np.testing.assert_array_equal(pw.saving.load_model(tmp_path / "y.keras")(X[:, 0]), model(X[:, 0]))


def test_old_optimizers_losses_and_metrics(tmp_path):
    layers = [{"class_name": "Dense", "config": {**DENSE, "batch_input_shape": [None, 3]}}]
    training = {
        "optimizer_config": {
            "class_name": "SGD",
            "config": {"lr": 0.5, "decay": 0.25, "momentum": 0.0, "nesterov": False},
        },
        "loss": {"class_name": "MeanSquaredError", "config": {"reduction": "auto", "name": "mse_of_old"}},
        "metrics": [
            "mae",
            {
                "class_name": "MeanMetricWrapper",
                "config": {"name": "far", "dtype": "float32", "fn": "mean_squared_error"},
            },
        ],
        "sample_weight_mode": None,
        "loss_weights": None,
    }
    model = pw.saving.load_model(written(tmp_path / "x.h5", layers, training, [OF_DENSE]))
    x, y = X[:, 0], np.zeros((3, 2), "float32")
    kernel = KERNEL.astype("float64")
    bias = BIAS.astype("float64")
    for step in range(2):
        error, rate = x @ kernel + bias, 0.5 / (1 + 0.25 * step)
        bias, kernel = bias - rate * 2 / 6 * error.sum(0), kernel - rate * 2 / 6 * x.T @ error
        found = model.train_on_batch(x, y, return_dict=True)
    assert list(found) == ["loss", "mae", "far"]
    np.testing.assert_allclose(model.layers[0].kernel.numpy(), kernel, rtol=1e-4, atol=1e-5)


def test_policies_of_keras_2_are_policies(tmp_path):
    policy = {"class_name": "Policy", "config": {"name": "mixed_bfloat16"}}
    layers = [
        {
            "class_name": "InputLayer",
            "config": {
                "batch_input_shape": [None, 3],
                "dtype": "float32",
                "sparse": False,
                "ragged": False,
                "name": "i",
            },
        },
        {"class_name": "Dense", "config": {**DENSE, "dtype": policy}},
    ]
    model = pw.saving.load_model(written(tmp_path / "x.h5", layers, weights=[OF_DENSE]))
    assert (model.layers[-1].compute_dtype, model.layers[-1].variable_dtype) == ("bfloat16", "float32")


def test_a_gru_that_says_nothing_resets_before(tmp_path):
    layers = [
        {
            "class_name": "GRU",
            "config": {
                "name": "g",
                "units": 2,
                "implementation": 1,
                "time_major": False,
                "batch_input_shape": [None, 4, 3],
            },
        }
    ]
    arrays = [np.zeros((3, 6)), np.zeros((2, 6)), np.zeros(6)]
    model = pw.saving.load_model(
        written(tmp_path / "x.h5", layers, weights=[("g", ["g/kernel:0", "g/recurrent_kernel:0", "g/bias:0"], arrays)])
    )
    assert model.layers[0].reset_after is False


def test_arguments_are_those_of_their_class(tmp_path):
    """What one class has no more another still has, and a user's own class may have."""

    class Scaled(L.Layer):
        def __init__(self, implementation=1, groups=1, **kwargs):
            super().__init__(**kwargs)
            self.implementation, self.groups = implementation, groups

        def call(self, x):
            return x * self.implementation * self.groups

    layers = [
        {"class_name": "GroupNormalization", "config": {"name": "g", "groups": 3, "batch_input_shape": [None, 4, 3]}},
        {"class_name": "Scaled", "config": {"name": "s", "implementation": 2, "groups": 5}},
    ]
    ones = [("g", ["g/gamma:0", "g/beta:0"], [np.ones(3), np.ones(3)])]
    model = pw.saving.load_model(written(tmp_path / "x.h5", layers, weights=ones), {"Scaled": Scaled})
    assert (model.layers[0].groups, model.layers[1].implementation, model.layers[1].groups) == (3, 2, 5)


def test_what_layers_of_images_and_of_integers_said_once_is_left_out(tmp_path):
    flip = {"name": "f", "mode": "horizontal", "seed": None, "rng_type": "stateful", "auto_vectorize": False}
    buckets = {"name": "b", "bin_boundaries": [0.0, 1.0], "dtype": "int64", "batch_input_shape": [None, 4, 3]}
    layers = [{"class_name": "Discretization", "config": buckets}, {"class_name": "RandomFlip", "config": flip}]
    for number, layer in enumerate(layers):
        config = {**layer["config"], "batch_input_shape": [None, 4, 4, 3]}
        model = pw.saving.load_model(written(tmp_path / f"{number}.h5", [{**layer, "config": config}]))
        assert type(model.layers[-1]).__name__ == layer["class_name"]


def test_operations_of_the_first_versions_of_tensorflow_2(tmp_path):
    def node(*names, **more):
        return [[[name, 0, 0, more] for name in names]]

    def operation(name, op, constants, *inputs):
        inner = {
            "name": name,
            "trainable": True,
            "dtype": "float32",
            "node_def": json.dumps({"name": name, "op": op}),
            "constants": constants,
        }
        return {"class_name": "TensorFlowOpLayer", "config": inner, "name": name, "inbound_nodes": node(*inputs)}

    layers = [
        {
            "class_name": "InputLayer",
            "config": {"batch_input_shape": [None, 3], "name": "i"},
            "name": "i",
            "inbound_nodes": [],
        },
        operation("sub", "Sub", {"0": 1.0}, "i"),
        operation("mul", "Mul", {}, "sub", "i"),
    ]
    model = pw.saving.load_model(written(tmp_path / "x.h5", layers, chain=False))
    np.testing.assert_allclose(model(X[:, 0]), (1 - X[:, 0]) * X[:, 0], rtol=1e-6)


# -- what is refused


def one(tmp_path, class_name, **config):
    return written(
        tmp_path / "x.h5", [{"class_name": class_name, "config": {"batch_input_shape": [None, 4, 3], **config}}]
    )


@pytest.mark.parametrize(
    ("class_name", "config", "match"),
    [
        (
            "LSTM",
            {"name": "l", "units": 2, "time_major": True},
            "LSTM 'l' has time_major=True, which there is nothing for here",
        ),
        ("InputLayer", {"name": "i", "ragged": True}, "InputLayer 'i' has ragged=True"),
        ("CuDNNGRU", {"name": "c", "units": 2}, "CuDNNGRU 'c' keeps its weights in an order of its own"),
        ("ThresholdedReLU", {"name": "t", "theta": 1.0}, "ThresholdedReLU"),
        (
            "Lambda",
            {
                "name": "f",
                "function": ["4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMIAAAAfABkARcAUwA=", None, None],
                "function_type": "lambda",
            },
            "Lambda 'f'",
        ),
    ],
)
def test_what_there_is_nothing_for_is_refused_by_name(class_name, config, match, tmp_path):
    with pytest.raises(pw.saving.FileError, match=match):
        pw.saving.load_model(one(tmp_path, class_name, **config))


@pytest.mark.parametrize(
    ("function", "more", "match"),
    [
        ("py_function", {}, r"TensorFlow's 'py_function', which is not known here"),
        ("math.multiplyy", {}, r"'math.multiplyy', which is not known here. Did you mean 'math.multiply'"),
        (
            "math.reduce_mean",
            {"axis": 1, "experimental_thing": 3},
            r"'math.reduce_mean' is called with {'experimental_thing': 3}",
        ),
        (
            "linalg.matmul",
            {"b": ["i", 0, 0], "transpose_b": True},
            r"'linalg.matmul' is called with {'transpose_b': True}",
        ),
    ],
)
def test_functions_of_tensorflow_that_are_not_known_are_refused_by_name(function, more, match, tmp_path):
    layers = [
        {
            "class_name": "InputLayer",
            "config": {"batch_input_shape": [None, 3, 3], "name": "i"},
            "name": "i",
            "inbound_nodes": [],
        },
        {
            "class_name": "TFOpLambda",
            "config": {"name": "f", "function": function},
            "name": "f",
            "inbound_nodes": [["i", 0, 0, more]],
        },
    ]
    with pytest.raises(pw.saving.FileError, match=match):
        pw.saving.load_model(written(tmp_path / "x.h5", layers, chain=False))


def test_an_hdf5_file_of_weights_alone_is_told(tmp_path):
    network(pw).save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(
        pw.saving.FileError,
        match=r"without the config of a model. If it holds weights alone, build the model and call model.load_weights",
    ):
        pw.saving.load_model(tmp_path / "x.weights.h5")


def test_weights_of_another_shape_than_the_config_says_name_the_layer_and_both(tmp_path):
    layers = [{"class_name": "Dense", "config": {**DENSE, "batch_input_shape": [None, 4]}}]
    with pytest.raises(pw.saving.FileError, match=r"Dense 'd' \(d\): kernel has shape \(4, 2\); the file has \(3, 2\)"):
        pw.saving.load_model(written(tmp_path / "x.h5", layers, weights=[OF_DENSE]))


def test_a_config_that_is_damaged_is_told(tmp_path):
    path, _ = unpacked("nested", tmp_path)
    with h5py.File(path, "a") as file:
        text = file.attrs["model_config"]
        file.attrs["model_config"] = text[: len(text) // 2]
    with pytest.raises(pw.saving.FileError, match=r"model_config in '.*nested.h5' is no JSON"):
        pw.saving.load_model(path)


def test_an_optimizer_of_another_kind_begins_anew_and_says_so(tmp_path):
    path, noted = unpacked("nested", tmp_path)
    with h5py.File(path, "a") as file:
        training = json.loads(file.attrs["training_config"])
        training["optimizer_config"] = {"class_name": "RMSprop", "config": {"name": "RMSprop", "learning_rate": 0.1}}
        file.attrs["training_config"] = json.dumps(training)
    with pytest.warns(
        UserWarning, match=r"What the optimizer kept is in .* in a form that RMSprop does not take: it begins anew"
    ):
        model = pw.saving.load_model(path)
    np.testing.assert_allclose(model(noted["x"]), noted["y"], rtol=1e-5, atol=1e-6)
