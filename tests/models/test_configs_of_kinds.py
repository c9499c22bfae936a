"""Configs of every kind of model go between Keras and here: masks, states, several tensors, nests, classes of a user's own."""

import inspect
import json

import jax
import keras
import numpy as np
import pytest
from test_graph_configs import as_file, assert_alike

import phasewise as pw
from phasewise.core import keras_names, registry

rng = np.random.default_rng(0)


def reals(*shape):
    return rng.normal(size=shape).astype("float32")


def masks(K):
    i = K.Input((5,), dtype="int32", name="i")
    x = K.layers.Dropout(0.1, name="drop")(K.layers.Embedding(7, 4, mask_zero=True, name="e")(i))
    x = K.layers.LSTM(3, return_sequences=True, name="l")(x)
    return K.Model(i, K.layers.Bidirectional(K.layers.GRU(3, name="g"), name="bi")(x))


def states(K):
    x, h, c = K.Input((5, 2), name="x"), K.Input((3,), name="h"), K.Input((3,), name="c")
    y, hh, cc = K.layers.LSTM(3, return_state=True, return_sequences=True, name="enc")(x)
    z = K.layers.LSTM(3, name="dec")(x, initial_state=[hh, cc])
    return K.Model([x, h, c], [z, K.layers.LSTM(3, name="dec2")(y, initial_state=[h, c])])


def attention(K):
    q, v = K.Input((4, 6), name="q"), K.Input((5, 6), name="v")
    y = K.layers.MultiHeadAttention(2, 3, name="a")(q, v)
    y = K.layers.MultiHeadAttention(2, 3, name="b")(query=y, value=v, key=v)
    y, scores = K.layers.MultiHeadAttention(2, 3, name="s")(y, y, use_causal_mask=True, return_attention_scores=True)
    return K.Model([q, v], [K.layers.Attention(name="at")([y, v]), scores])


def mask_as_argument(K):
    x, m = K.Input((5, 3), name="x"), K.Input((5,), dtype="bool", name="m")
    return K.Model([x, m], K.layers.LSTM(2, name="l")(x, mask=m))


def nests(K):
    a, b, c = K.Input((3,), name="a"), K.Input((2,), name="b"), K.Input((2,), name="c")
    y = K.layers.Concatenate(name="cat")([a, b])
    return K.Model({"a": a, "n": [b, c]}, {"out": [y, c], "z": K.layers.Dense(1, name="d")(y)})


def model_in_time(K):
    x = K.Input((4, 6, 6, 1), name="x")
    inner = K.Sequential([K.Input((6, 6, 1)), K.layers.Conv2D(2, 3), K.layers.Flatten()], name="in")
    y = K.layers.TimeDistributed(inner, name="td")(x)
    return K.Model(x, K.layers.RNN([K.layers.GRUCell(3), K.layers.LSTMCell(2)], name="r")(y))


def from_the_middle(K):
    x = K.Input((8,), name="x")
    h = K.layers.Dense(4, name="h")(x)
    return K.Model(h, K.layers.Dense(2, name="o")(h))


def images(K):
    x = K.Input((8, 8, 3), name="x")
    y = K.layers.RandomRotation(0.2, name="r")(K.layers.RandomFlip(name="f")(x))
    y = K.layers.Rescaling([0.1, 0.2, 0.3], offset=[1.0, 2.0, 3.0], name="rs")(y)
    return K.Model(x, K.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 2.0, 3.0], name="n")(y))


def chain(K):
    model = K.Sequential([K.layers.Dense(3, activation="gelu", dtype="mixed_bfloat16"), K.layers.Dense(2)])
    model.build((None, 4))
    return model


KINDS = [
    (masks, rng.integers(0, 7, (3, 5))),
    (states, [reals(2, 5, 2), reals(2, 3), reals(2, 3)]),
    (attention, [reals(2, 4, 6), reals(2, 5, 6)]),
    (mask_as_argument, [reals(2, 5, 3), np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)]),
    (nests, None),
    (model_in_time, reals(2, 4, 6, 6, 1)),
    (from_the_middle, reals(2, 4)),
    (images, reals(2, 8, 8, 3)),
    (chain, reals(2, 4)),
]


@pytest.mark.few(3)
@pytest.mark.parametrize(("build", "data"), KINDS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_model_of_this_kind_goes_between_the_libraries(build, data):
    theirs, ours = build(keras), build(pw)
    opened = type(ours).from_config(as_file(theirs.get_config()))
    back = type(theirs).from_config(as_file(opened.get_config()))
    forth = type(theirs).from_config(as_file(ours.get_config()))
    for model in (opened, back, forth):
        assert [w.shape for w in model.weights] == [w.shape for w in theirs.weights]
        model.set_weights(theirs.get_weights())
    if data is not None:
        assert_alike(theirs, opened, data)
        assert_alike(theirs, back, data)


def test_training_pinned_at_a_call_is_kept_and_what_keras_writes_by_itself_is_no_pin():
    x = pw.Input((3,), name="x")
    y = pw.layers.Dropout(0.5, name="free")(pw.layers.BatchNormalization(name="bn")(x, training=True))
    y = pw.layers.Dropout(0.5, name="off")(y, training=False)
    model = pw.Model(x, pw.layers.GaussianNoise(1.0, name="on")(y, training=True))
    reasons = {row.layer: row for row in model.explain(print_fn=False)}
    again = pw.Model.from_config(as_file(model.get_config()))
    assert str(again.explain(print_fn=False)).splitlines()[1:] == str(model.explain(print_fn=False)).splitlines()[1:]
    assert len(reasons) == 4
    of_keras = pw.Model.from_config(as_file(keras.Model.from_config(as_file(model.get_config())).get_config()))
    told = {row.layer: row for row in of_keras.explain(print_fn=False)}
    assert told["bn"] == reasons["bn"] and told["on"] == reasons["on"] and told["free"] == reasons["free"]


def test_what_keras_writes_of_training_by_itself_is_what_its_layers_say():
    for cls in registry.members("layer"):
        theirs = getattr(keras.layers, cls.__name__, None)
        if theirs is None or cls.__name__ in ("Model", "Sequential"):
            continue
        parameter = inspect.signature(theirs.call).parameters.get("training")
        default = parameter.default if parameter is not None else None
        assert keras_names.training_by_default(cls.__name__) is default, cls.__name__


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("BatchNormalization", {"virtual_batch_size": 4}),
        *(
            (name, {"units": 2, "normalization": "layer", argument: value})
            for name in ("SimpleRNN", "LSTM", "GRU")
            for argument, value in (
                ("normalization", "batch"),
                ("normalization_steps", 3),
                ("normalization_momentum", 0.9),
                ("normalization_epsilon", 0.5),
            )
        ),
    ],
)
def test_what_keras_does_not_know_is_written_where_it_is_asked_for_and_refused_there(name, arguments):
    theirs = getattr(keras.layers, name)
    units = {key: value for key, value in arguments.items() if key == "units"}
    cls = getattr(pw.layers, name)
    assert theirs.from_config(as_file(cls(**units).get_config()))
    if arguments.get("normalization_steps"):
        arguments = {**arguments, "normalization": "batch"}
    config = as_file(cls(**arguments).get_config())
    assert {key: config[key] for key in arguments} == arguments
    with pytest.raises((TypeError, ValueError), match=r"virtual_batch_size|normalization"):
        theirs.from_config(config)


# -- classes of a user's own


def classes(K):
    """A model with a config, one without, one that makes its own graph, one that is functional, a layer around a layer."""
    register = K.saving.register_keras_serializable("kinds")

    @register
    class Net(K.Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units, self.dense, self.bn = units, K.layers.Dense(units), K.layers.BatchNormalization()

        def call(self, x, training=None):
            return self.bn(self.dense(x), training=training)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @register
    class Graphed(K.Model):
        def __init__(self, units=4, **kwargs):
            i = K.Input((3,), name="i")
            super().__init__(inputs=i, outputs=K.layers.Dense(units, name="fd")(i), **kwargs)
            self.units = units

        def get_config(self):
            return {"units": self.units, "name": self.name}

    @register
    class Stepping(K.Model):
        pass

    @register
    class Scaled(K.layers.Layer):
        def __init__(self, inner, scale, **kwargs):
            super().__init__(**kwargs)
            self.inner, self.scale = inner, scale

        def build(self, shape):
            self.inner.build(shape)

        def call(self, x):
            return self.inner(x) * self.scale

        def get_config(self):
            return {**super().get_config(), "inner": K.saving.serialize_keras_object(self.inner), "scale": self.scale}

        @classmethod
        def from_config(cls, config):
            return cls(**{**config, "inner": K.saving.deserialize_keras_object(config["inner"])})

    return Net, Graphed, Stepping, Scaled


OURS, THEIRS = classes(pw), classes(keras)
X = reals(2, 3)


def called(K, Net, *rest):
    model = Net(4, name="net")
    model(X)
    return model


def graphed_inside(K, Net, Graphed, *rest):
    x = K.Input((3,), name="x")
    return K.Model(x, Graphed(5, name="inside")(x) * 2)


def stepping(K, Net, Graphed, Stepping, *rest):
    x = K.Input((3,), name="x")
    model = Stepping(x, K.layers.Dense(2, name="d")(x))
    model.note, model.more = "an attribute", K.layers.Dense(7, name="more")
    return model


def net_inside(K, Net, *rest):
    x = K.Input((3,), name="x")
    return K.Model(x, Net(3, name="n")(x, training=False))


def around(K, Net, Graphed, Stepping, Scaled):
    x = K.Input((3,), name="x")
    return K.Model(x, Scaled(K.layers.Dense(3, name="inner"), 2.0, name="scaled")(x))


@pytest.mark.few(3)
@pytest.mark.parametrize("build", [called, around, stepping, graphed_inside, net_inside])
def test_a_class_of_a_users_own_is_made_again_from_either_library(build):
    ours, theirs = build(pw, *OURS), build(keras, *THEIRS)
    written = [pw.saving.serialize_keras_object(ours), keras.saving.serialize_keras_object(theirs)]
    for config in written:
        again = pw.saving.deserialize_keras_object(as_file(config))
        assert type(again) is type(ours) and len(again.weights) == len(theirs.weights)
        again.set_weights(theirs.get_weights())
        np.testing.assert_allclose(np.asarray(again(X)), np.asarray(theirs(X)), atol=1e-5)
    if build is not around:  # of which Keras opens its own file neither: the inner layer has been built before
        there = keras.saving.deserialize_keras_object(as_file(written[0]))
        assert type(there) is type(theirs) and len(there.weights) == len(theirs.weights)


def test_a_clone_has_weights_of_its_own_and_the_same_config():
    x = pw.Input((3,), name="x")
    inner = pw.Sequential([pw.Input((3,)), pw.layers.Dense(3, name="i")], name="inner")
    shared = pw.layers.Dense(3, name="d")
    model = pw.Model({"x": x}, [inner(shared(shared(x))) * 2 + 1, shared(x)], name="m")
    clone = pw.models.clone_model(model)
    assert clone.get_config() == model.get_config()
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    assert not np.allclose(clone.get_weights()[0], model.get_weights()[0])
    seen = []

    def again(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    pw.models.clone_model(model, clone_function=again, recursive=True)
    assert sorted(seen) == ["d", "i"]
    other = pw.models.clone_model(
        model,
        input_tensors={"x": pw.Input((3,), name="q")},
        call_function=lambda layer, *args: pw.layers.Dropout(0.1)(layer(*args)),
    )
    assert other.inputs[0].name == "q" and sum(isinstance(each, pw.layers.Dropout) for each in other.layers) == 4
    same = pw.models.clone_model(inner, clone_function=lambda layer: layer)
    assert same.layers[0] is inner.layers[0] and same is not inner


@pytest.mark.parametrize(
    ("module", "class_name"),
    [
        ("keras.engine.functional", "Functional"),
        ("keras.src.engine.functional", "Functional"),
        ("tensorflow.keras", "Model"),
        ("tensorflow.python.keras.engine.functional", "Functional"),
        (None, "Model"),
    ],
)
def test_a_graph_of_keras_2_is_read(module, class_name):
    start = {"batch_input_shape": [None, 3], "dtype": "float32", "sparse": False, "ragged": False, "name": "x"}
    dense = {"name": "d", "trainable": True, "dtype": "float32", "units": 2, "activation": "linear", "use_bias": True}
    layers = [
        {"class_name": "InputLayer", "config": start, "name": "x", "inbound_nodes": []},
        {"class_name": "Dense", "config": dense, "name": "d", "inbound_nodes": [[["x", 0, 0, {}]]]},
        {
            "class_name": "Add",
            "module": "keras.src.layers.merging.add",
            "config": {"name": "a"},
            "name": "a",
            "inbound_nodes": [[["d", 0, 0, {}], ["d", 0, 0, {}]]],
        },
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["a", 0, 0]]}
    spec = {"class_name": class_name, "config": config, "keras_version": "2.9", "backend": "tensorflow"}
    model = pw.models.model_from_json(json.dumps(spec if module is None else {**spec, "module": module}))
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(np.asarray(model(X)), 2 * (X @ kernel + bias), atol=1e-5)


def test_a_dtype_policy_is_read_as_a_name_as_a_dict_and_as_a_map():
    policies = keras.dtype_policies.DTypePolicyMap("float32", {"d": keras.DTypePolicy("mixed_bfloat16")})
    for dtype in ("mixed_bfloat16", keras.dtype_policies.serialize(keras.DTypePolicy("mixed_bfloat16")), as_file(
        keras.dtype_policies.serialize(policies)
    )):  # fmt: skip
        layer = pw.layers.deserialize({"class_name": "Dense", "config": {"units": 1, "name": "d", "dtype": dtype}})
        assert layer.dtype_policy.name == "mixed_bfloat16"


def test_a_layer_is_built_by_the_shapes_in_its_config():
    for layer, shapes in (
        (pw.layers.Dense(2), {"input_shape": (None, 3)}),
        (pw.layers.MultiHeadAttention(1, 2), {"shapes_dict": {"query_shape": (2, 3, 4), "value_shape": (2, 5, 4)}}),
    ):
        layer.build_from_config(shapes)
        again = pw.layers.deserialize(as_file(pw.layers.serialize(layer)))
        assert again.built and jax.tree.map(np.shape, again.get_weights()) == jax.tree.map(
            np.shape, layer.get_weights()
        )
        theirs = keras.layers.deserialize(as_file(pw.layers.serialize(layer)))
        assert [tuple(w.shape) for w in theirs.weights] == [w.shape for w in layer.weights]
    with pytest.raises(ValueError, match="A shape is a list of integers and None; got 3"):
        pw.layers.Dense(2).build_from_config({"input_shape": 3})
