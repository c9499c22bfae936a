"""`config`, `backend`, `dtype_policies` and `mixed_precision`: Keras's names, and what each setting does."""

import importlib
import inspect
import itertools
import json

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from parity import bare_signature
from phasewise.core.precision import dtype_policy_scope

QUANTIZED = "nothing is quantized here"
NOT_HERE = {
    "dtype_policies.AWQDTypePolicy": QUANTIZED,
    "dtype_policies.GPTQDTypePolicy": QUANTIZED,
    "dtype_policies.Int4DTypePolicy": QUANTIZED,
    "dtype_policies.QuantizedDTypePolicy": QUANTIZED,
    "dtype_policies.QuantizedFloat8DTypePolicy": QUANTIZED,
}
MODULES = ["backend", "config", "dtype_policies", "mixed_precision", "random", "tree"]
X = np.ones((8, 2), "float32")


@pytest.fixture
def defaults():
    """Whatever is set in the test is as it was behind it."""
    yield pw.config
    for name, value in (("floatx", "float32"), ("epsilon", 1e-7), ("image_data_format", "channels_last")):
        getattr(pw.config, f"set_{name}")(value)
    pw.config.set_max_epochs(None)
    pw.config.set_max_steps_per_epoch(None)
    pw.config.enable_interactive_logging()


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_keras_is_here_or_has_a_reason(module):
    ours, theirs = (importlib.import_module(f"{library}.{module}") for library in ("phasewise", "keras"))
    names = {name for name in dir(theirs) if name[0] != "_" and callable(getattr(theirs, name))}
    excused = {name.rpartition(".")[2] for name in NOT_HERE if name.startswith(f"{module}.")}
    assert {name for name in names if not hasattr(ours, name)} == excused
    for name in names - excused:
        if inspect.isfunction(getattr(theirs, name)):
            assert bare_signature(getattr(ours, name)) == str(inspect.signature(getattr(theirs, name))), name


def built(library):
    """A small convolutional network's layers."""
    return [
        library.layers.Conv2D(2, 3),
        library.layers.MaxPooling2D(),
        library.layers.Flatten(),
        library.layers.SpatialDropout2D(0.1),
    ]


def test_layers_take_the_data_format_that_is_set(defaults):
    defaults.set_image_data_format("channels_first")
    assert [layer.data_format for layer in built(pw)] == ["channels_first"] * 4
    assert pw.layers.Conv2D(2, 3)(np.zeros((1, 3, 5, 6), "float32")).shape == (1, 2, 3, 4)
    assert pw.ops.max_pool(np.zeros((1, 3, 4, 6)), 2).shape == (1, 3, 2, 3)
    defaults.set_image_data_format("channels_last")
    assert [layer.data_format for layer in built(pw)] == ["channels_last"] * 4


def test_epsilon_holds_in_losses_at_the_next_call(defaults):
    model = pw.Sequential([pw.Input((1,)), pw.layers.Lambda(lambda x: x * 1.0)])
    model.compile(loss="binary_crossentropy")
    saturated = np.zeros((2, 1), "float32"), np.ones((2, 1), "float32")
    before = model.test_on_batch(*saturated)
    defaults.set_epsilon(1e-3)
    assert before == pytest.approx(-np.log(1e-7), rel=1e-5)
    assert model.test_on_batch(*saturated) == pytest.approx(-np.log(1e-3), rel=1e-5)


def test_floatx_is_the_dtype_of_what_is_made_without_one(defaults):
    defaults.set_floatx("bfloat16")
    assert (pw.backend.floatx(), pw.dtype_policy().name) == ("bfloat16", "bfloat16")
    assert (
        pw.layers.Dense(2)(X.astype("bfloat16")).dtype
        == pw.Input((2,)).dtype
        == pw.random.normal((2,)).dtype
        == "bfloat16"
    )
    assert pw.ops.zeros((2,)).dtype == pw.ops.sin(jnp.arange(3)).dtype == "bfloat16"


def test_fit_obeys_the_most_epochs_and_steps(defaults):
    model = pw.Sequential([pw.Input((2,)), pw.layers.Dense(1)])
    model.compile("sgd", "mse")
    defaults.set_max_steps_per_epoch(2)
    defaults.set_max_epochs(2)
    with pytest.warns(pw.warning.PhasewiseWarning, match=r"fit runs 2 of 5 epochs: config.max_epochs\(\) is 2"):
        history = model.fit(X, X[:, :1], batch_size=2, epochs=5, verbose=0)
    assert len(history.epoch) == 2 and int(model.optimizer.iterations) == 4
    assert model.predict(X, batch_size=2, verbose=0).shape == (4, 1)
    defaults.set_max_steps_per_epoch(9)
    assert model.predict(X, batch_size=2, verbose=0).shape == (8, 1)


def test_without_interactive_logging_a_run_prints_lines(defaults, capsys):
    assert defaults.is_interactive_logging_enabled()
    defaults.disable_interactive_logging()
    model = pw.Sequential([pw.Input((2,)), pw.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1])
    assert "\r" not in capsys.readouterr().out


def test_what_is_accepted_for_keras_sake():
    assert pw.config.backend() == "jax" and not pw.config.is_nnx_enabled()
    pw.config.set_backend("jax")
    pw.config.disable_flash_attention()
    assert pw.config.is_flash_attention_enabled() is False
    pw.config.enable_flash_attention()
    assert pw.config.is_flash_attention_enabled() is None
    pw.config.disable_traceback_filtering()
    assert not pw.config.is_traceback_filtering_enabled()
    pw.config.enable_traceback_filtering()
    assert pw.config.is_traceback_filtering_enabled()
    with pytest.warns(pw.warning.PhasewiseWarning, match="opening a file never runs code from it"):
        pw.config.enable_unsafe_deserialization()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pw.config.set_backend("torch"), "phasewise runs on JAX alone; got backend='torch'"),
        (lambda: pw.config.set_floatx("float3"), "value is one of 'float32', .*; got 'float3'. Did you mean 'float32'"),
        (lambda: pw.config.set_epsilon(0), "set_epsilon takes a positive number; got 0"),
        (
            lambda: pw.config.set_image_data_format("NHWC"),
            "data_format is one of 'channels_last', 'channels_first'; got 'NHWC'",
        ),
        (lambda: pw.config.set_max_epochs(0), "set_max_epochs takes a positive integer, or None for no limit; got 0"),
        (lambda: pw.backend.standardize_dtype("flaot32"), "'flaot32' is no dtype"),
        (lambda: pw.backend.result_type("float8_e4m3fn", "float32"), "numbers of 8 bits are converted by hand"),
        (
            lambda: pw.dtype_policies.deserialize({"class_name": "Policy", "config": {}}),
            "'class_name' is one of DTypePolicy",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
          "complex64", "complex128", int, float, bool, None]  # fmt: skip


def test_dtypes_come_together_as_in_keras():
    for pair in itertools.combinations_with_replacement(DTYPES, 2):
        assert pw.backend.result_type(*pair) == keras.backend.result_type(*pair), pair
    assert pw.backend.result_type("int8", "uint8", float) == keras.backend.result_type("int8", "uint8", float)
    assert pw.backend.result_type() == keras.backend.result_type()


@pytest.mark.parametrize("dtype", [*DTYPES, np.float32, np.dtype("int8"), jnp.bfloat16, "string", "int"])
def test_dtypes_have_the_names_of_keras(dtype):
    assert pw.backend.standardize_dtype(dtype) == keras.backend.standardize_dtype(dtype)
    for ask in ("is_float_dtype", "is_int_dtype"):
        assert getattr(pw.backend, ask)(dtype) == getattr(keras.backend, ask)(dtype)


def test_a_symbolic_tensor_is_told_and_names_are_counted():
    assert pw.backend.is_keras_tensor(pw.Input((2,))) and not pw.backend.is_keras_tensor(jax.numpy.ones(2))
    assert [pw.backend.get_uid("here"), pw.backend.get_uid("here"), pw.backend.get_uid("there")] == [1, 2, 1]
    pw.backend.clear_session()
    assert pw.backend.get_uid("here") == 1


def test_policies_are_written_down_and_made_again_by_either_library():
    for library, other in itertools.permutations((pw, keras)):
        described = json.loads(json.dumps(library.dtype_policies.serialize(library.DTypePolicy("mixed_bfloat16"))))
        assert other.dtype_policies.deserialize(described).name == "mixed_bfloat16"
    assert pw.dtype_policies.get("float16").compute_dtype == "float16"
    assert pw.dtype_policies.get(described) == pw.DTypePolicy("mixed_bfloat16")
    with dtype_policy_scope("mixed_float16"):
        assert pw.dtype_policies.get(None) == pw.DTypePolicy() == pw.mixed_precision.global_policy()
    assert pw.mixed_precision.Policy is pw.DTypePolicy


def test_a_map_gives_each_layer_its_policy():
    policies = pw.dtype_policies.DTypePolicyMap("float32", {"first": "mixed_bfloat16", "(second|third)": "bfloat16"})
    layers = [pw.layers.Dense(1, name=name, dtype=policies) for name in ("first", "third", "fourth")]
    assert [layer.dtype_policy.name for layer in layers] == ["mixed_bfloat16", "bfloat16", "float32"]
    assert pw.dtype_policies.DTypePolicyMap.from_config(policies.get_config()) == policies
    policies["th.*"] = "float16"
    with pytest.raises(ValueError, match="Several expressions of a DTypePolicyMap fit 'third'"):
        policies["third"]
    with pytest.raises(ValueError, match="'first' has a policy in this DTypePolicyMap already"):
        policies["first"] = "float32"
