"""A config that describes no model is refused in a sentence, whatever is wrong with it; nothing in it is run, read or imported."""

import copy
import json
import random

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from test_graph_configs import BUILDERS, as_file

import phasewise as pw

L = pw.layers
WRONG = [
    None,
    3,
    -1,
    2.5,
    "x",
    [],
    {},
    [1],
    True,
    10**12,
    ["x", 0, 0],
    {"class_name": "Dense", "config": {}},
    {"class_name": "__lambda__", "config": {"value": "4wEA"}},
    {"class_name": "__numpy__", "config": {}},
    {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
]
HISTORY = ("layers", 1, "inbound_nodes", 0, "args", 0, "config", "keras_history")


def small():
    x = pw.Input((3,), name="x")
    return as_file(pw.Model(x, L.Dense(2, name="d")(x)).get_config())


def changed(config, path, value):
    config = copy.deepcopy(config)
    inner = config
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return config


QUANTIZED = {
    "module": "keras",
    "class_name": "QuantizedDTypePolicy",
    "config": {"mode": "int8"},
    "registered_name": None,
}
GET_FILE = {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("layers",), 3, "'layers' is a list of configs; got 3"),
        (
            ("layers", 1, "class_name"),
            "Dens",
            r"The Dens 'd' .* Unknown layer 'Dens'\. Did you mean 'Dense'\? .*register",
        ),
        (("layers", 1, "config", "unit"), 4, r"The Dense 'd' .* no argument 'unit'\. Did you mean 'units'\?"),
        (("layers", 1, "config", "units"), ..., r"The Dense 'd' .* needs units, which was not given"),
        (("layers", 1, "config", "units"), "many", r"The Dense 'd' cannot be made from its config\. .*units"),
        (("layers", 1, "config"), 3, "The config of 'Dense' is a dict; got 3"),
        (("layers", 1, "name"), "x", "two layers that are called 'x'"),
        (("layers", 1, "inbound_nodes"), 7, "'inbound_nodes' of layer 'd' are a list; got 7"),
        ((*HISTORY, 0), "y", r"'d' takes the output of the layer 'y', which is not among those of the config"),
        ((*HISTORY, 0), "d", "calls of the layers 'd' need one another's outputs, in a circle"),
        ((*HISTORY, 1), 4, "takes the output of call 4 of the layer 'x', which is called 1 times"),
        ((*HISTORY, 2), 1, "takes output 1 of a call of the layer 'x', which returns 1"),
        (HISTORY, "x", r"a reference is \[name of a layer, number of its call, number of the output\]"),
        (("output_layers",), 5, r"'output_layers' are made of \[layer, call, output\]; got 5"),
        (("layers", 1, "config", "activation"), GET_FILE, r"The Dense 'd' .* Unknown activation 'get_file'"),
        (("layers", 1, "config", "activation"), "get_file", "Unknown activation 'get_file'"),
        (
            ("layers", 1, "config", "dtype"),
            QUANTIZED,
            "The Dense 'd' .*'QuantizedDTypePolicy' is one of quantized weights",
        ),
        (("layers", 1, "config", "dtype"), "int8_from_float32", "'int8_from_float32' is one of quantized weights"),
        (("layers", 1, "config", "quantization_config"), {"mode": "int8"}, "The Dense 'd' .* weights are quantized"),
        (("layers", 1, "config", "dtype"), 7, "The Dense 'd' .* Unknown dtype policy '7'"),
    ],
)
def test_what_is_wrong_is_told_with_the_layer(path, value, message):
    with pytest.raises(ValueError, match=message):
        pw.Model.from_config(changed(small(), path, value))


def test_a_circle_of_several_layers_is_told():
    x = pw.Input((3,), name="x")
    model = pw.Model(x, L.Dense(3, name="b")(L.Dense(3, name="a")(x)))
    config = changed(as_file(model.get_config()), (*HISTORY, 0), "b")
    with pytest.raises(ValueError, match="calls of the layers 'a', 'b' need one another's outputs"):
        pw.Model.from_config(config)


def test_depth_is_refused_before_anything_is_made():
    inner = {"class_name": "Dense", "config": {"units": 1}}
    for _ in range(3000):
        inner = {"module": "keras.layers", "class_name": "TimeDistributed", "config": {"layer": inner}}
    with pytest.raises(ValueError, match="nested more than 200 lists and dicts deep"):
        L.deserialize(inner)
    with pytest.raises(ValueError, match="nested deeper than Python can go"):
        pw.models.model_from_json("[" * 100_000)


def test_text_that_is_no_model_is_refused():
    for text, message in (
        ("{", "The text is no JSON"),
        ("[1, 2]", "describes no model: a dict was expected"),
        ("{}", "needs 'class_name' and 'config'"),
        (json.dumps(L.serialize(L.Dense(2))), "describes a Dense, which is a layer and no model"),
    ):
        with pytest.raises(ValueError, match=message):
            pw.models.model_from_json(text)
    with pytest.raises(TypeError, match="model_from_json takes text, as to_json returns; got dict"):
        pw.models.model_from_json({})
    with pytest.raises(TypeError, match="from_config takes a dict, as get_config returns; got list"):
        pw.Model.from_config([])


@pw.saving.register_keras_serializable("mistakes")
def doubled(x):
    return 2 * x


keras.saving.register_keras_serializable("mistakes")(doubled)


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_a_lambda_layer_with_code_is_refused_and_nothing_turns_that_off():
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2, name="lam")])
    config = as_file(keras.saving.serialize_keras_object(theirs))
    for safe_mode in (True, False):
        with pytest.raises(
            ValueError, match=r"The Lambda 'lam' .*code of a lambda, which is never run, whatever safe_mode says"
        ):
            pw.saving.deserialize_keras_object(config, safe_mode=safe_mode)
    of_keras_2 = {"name": "lam", "function": ["4wEAAAA=", None, None], "function_type": "lambda", "module": "__main__"}
    with pytest.raises(ValueError, match="Lambda layer 'lam' holds the code of a Python function"):
        L.deserialize({"class_name": "Lambda", "config": of_keras_2})


def test_a_lambda_layer_of_a_registered_function_goes_both_ways():
    X = np.ones((1, 3), "float32")
    ours = pw.Sequential([pw.Input((3,)), L.Lambda(doubled)])
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(doubled)])
    for model in (
        pw.Sequential.from_config(as_file(theirs.get_config())),
        keras.Sequential.from_config(as_file(ours.get_config())),
        pw.models.clone_model(pw.Sequential([pw.Input((3,)), L.Lambda(lambda x: 2 * x)])),
    ):
        np.testing.assert_array_equal(model(X), 2 * X)
    with pytest.raises(ValueError, match="A lambda cannot be described"):
        pw.Sequential([L.Lambda(lambda x: x)]).to_json()


def paths(config, path=()):
    """Every place in a config."""
    if path:
        yield path
    inner = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for key, value in inner:
        yield from paths(value, (*path, key))


def mutated(config, draw):
    """A config with something deleted, replaced, moved or doubled."""
    places = list(paths(config))
    path = draw.choice(places)
    inner = config
    for key in draw.choice(places):
        inner = inner[key]
    value = draw.choice([..., draw.choice(WRONG), draw.choice(WRONG), inner])
    return changed(config, path, copy.deepcopy(value))


@pytest.fixture(scope="module")
def real():
    i = pw.Input((5,), dtype="int32")
    x = L.Bidirectional(L.LSTM(2))(L.Embedding(5, 3, mask_zero=True)(i))
    recurrent = pw.Model(i, L.TimeDistributed(L.Dense(2, kernel_constraint="unit_norm"))(x[:, None]))
    chain = pw.Sequential([L.Dense(3, dtype="mixed_bfloat16"), L.BatchNormalization()])
    return [as_file(json.loads(model.to_json())) for model in (*(build(pw) for build in BUILDERS), recurrent, chain)]


@pytest.mark.parametrize("seed", range(400))
@pytest.mark.few(25)
def test_a_mutated_config_is_opened_or_refused_in_a_sentence(real, seed):
    draw = random.Random(seed)
    config = mutated(draw.choice(real), draw)
    try:
        pw.models.model_from_json(json.dumps(config))
    except (ValueError, TypeError) as error:
        assert len(str(error)) > 20


def tripled(x):
    return 3 * x


@pytest.mark.parametrize("function", [tripled, jnp.square, pw.activations.relu])
def test_a_lambda_of_any_function_is_cloned(function):
    model = pw.Sequential([pw.Input((3,)), L.Lambda(function)])
    x = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(pw.models.clone_model(model)(x), model(x))


def test_a_lambda_of_an_activation_of_ours_comes_back_from_its_text():
    model = pw.Sequential([pw.Input((3,)), L.Lambda(pw.activations.relu)])
    assert pw.models.model_from_json(model.to_json()).layers[0].function is pw.activations.relu


def test_the_clone_of_a_chain_that_data_have_built_is_built():
    model = pw.Sequential([L.Dense(3), L.BatchNormalization()])
    x = np.ones((2, 4), "float32")
    expected = model(x)
    clone = pw.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(x), expected)
