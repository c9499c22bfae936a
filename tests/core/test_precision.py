"""Dtype policies: which dtypes weights, computation and outputs have, as in Keras, and that models train under each."""

import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.core.precision import POLICIES, dtype_policy_scope

X = np.random.default_rng(0).normal(size=(16, 5)).astype("float32")
Y = X[:, :1] - X[:, 1:2]
NAMES = [name for name in POLICIES if name != "float64"]  # JAX computes in 32 bits unless it is told otherwise


def dtypes(K, name):
    """Every dtype of a small network that a policy decides."""
    layers = [
        K.layers.Dense(4, activation="relu", dtype=name),
        K.layers.BatchNormalization(dtype=name),
        K.layers.Dense(1, dtype=name),
    ]
    model = K.Sequential([K.Input((5,)), *layers])
    return {
        "policy": [layer.dtype_policy.name for layer in layers],
        "dtype": [layer.dtype for layer in layers],
        "compute": [layer.compute_dtype for layer in layers],
        "variable": [layer.variable_dtype for layer in layers],
        "weights": [str(w.dtype) for w in model.weights],
        "symbolic": [str(layer.output.dtype) for layer in layers],
        "outputs": [str(layer(np.ones((2, layer.input.shape[-1]), "float32")).dtype) for layer in layers],
        "model": str(model(X).dtype),
        "predict": str(model.predict(X, verbose=0).dtype),
    }


@pytest.mark.few(3)
@pytest.mark.parametrize("name", NAMES)
def test_the_dtypes_are_those_of_keras(name):
    assert dtypes(pw, name) == dtypes(keras, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_trains_under_every_policy_and_its_loss_is_float32(name):
    model = pw.Sequential([pw.Input((5,)), pw.layers.Dense(8, "relu", dtype=name), pw.layers.Dense(1, dtype=name)])
    model.compile(pw.optimizers.SGD(0.05), "mse", metrics=["mae"])
    losses = model.fit(X, Y, batch_size=8, epochs=25, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    assert all(v == np.float32(v) and v != 0 for v in losses)
    mixed_or_full = name.startswith("mixed") or name == "float32"
    assert {w.dtype for w in model.weights} == {"float32" if mixed_or_full else name}


def test_a_loss_that_a_bfloat16_layer_adds_is_summed_in_float32():
    layer = pw.layers.Dense(
        64, activity_regularizer=pw.regularizers.L1(1.0), kernel_initializer="ones", dtype="bfloat16"
    )
    x = np.ones((33, 1), "float32")  # 33 * 64 = 2112 is no bfloat16 number
    layer(x)
    (loss,) = layer.losses
    assert str(loss.dtype) == "float32"
    np.testing.assert_allclose(loss, 64.0, rtol=1e-6)


def test_mixed_precision_computes_in_bfloat16_with_float32_weights():
    dense = pw.layers.Dense(
        1, use_bias=False, kernel_initializer=pw.initializers.Constant(1.001), dtype="mixed_bfloat16"
    )
    np.testing.assert_array_equal(np.asarray(dense(np.ones((1, 1))), np.float32), [[1.0]])  # 1.001 rounds to 1
    np.testing.assert_array_equal(dense.kernel.numpy(), [[np.float32(1.001)]])


def test_a_weight_may_be_kept_from_the_cast():
    class Mine(pw.Layer):
        def build(self, input_shape):
            self.cast = self.add_weight((1,), name="cast")
            self.kept = self.add_weight((1,), autocast=False, name="kept")
            self.whole = self.add_weight((1,), dtype="int32", name="whole")

        def call(self, x):
            self.seen = [str(w.value.dtype) for w in (self.cast, self.kept, self.whole)]
            return x

    layer = Mine(dtype="mixed_bfloat16")
    layer(X)
    assert layer.seen == ["bfloat16", "float32", "int32"]
    assert str(Mine(dtype="mixed_bfloat16", autocast=False)(X).dtype) == "float32"


def test_integers_are_not_cast():
    assert str(pw.layers.Identity(dtype="bfloat16")(np.ones((2, 3), "int32")).dtype) == "int32"


def test_the_default_policy_is_that_of_layers_made_under_it():
    assert pw.dtype_policy().name == pw.layers.Dense(1).dtype_policy.name == "float32"
    with dtype_policy_scope("mixed_bfloat16"):
        inside = pw.layers.Dense(1)
        with dtype_policy_scope("float32"):
            assert pw.layers.Dense(1).compute_dtype == "float32"
    assert inside.compute_dtype == "bfloat16"
    try:
        pw.set_dtype_policy("mixed_bfloat16")
        x = pw.Input((5,))
        assert (x.dtype, pw.layers.Dense(1)(x).dtype) == ("float32", "bfloat16")
    finally:
        pw.set_dtype_policy("float32")


def test_a_policy_is_taken_by_name_object_and_config_and_survives_a_layers_config():
    policy = pw.DTypePolicy("mixed_bfloat16")
    for given in ("mixed_bfloat16", policy, {"class_name": "DTypePolicy", "config": policy.get_config()}):
        layer = pw.layers.Dense(1, dtype=given)
        assert layer.dtype_policy == policy
        assert pw.layers.Dense.from_config(layer.get_config()).dtype_policy == policy
    assert pw.DTypePolicy.from_config(policy.get_config()) == policy != pw.DTypePolicy("float32")


@pytest.mark.parametrize(
    "call",
    [
        lambda: pw.layers.Dense(1, dtype="mixed_bfloat"),
        lambda: pw.set_dtype_policy("mixed_bfloat"),
        lambda: pw.DTypePolicy("mixed_bfloat"),
    ],
)
def test_an_unknown_policy_gives_the_near_one(call):
    with pytest.raises(ValueError, match=r"Unknown dtype policy 'mixed_bfloat'\. Did you mean 'mixed_bfloat16'"):
        call()
