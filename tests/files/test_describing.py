"""Objects as dicts and back: registered names, scopes, and that nothing runs because a config says so."""

import json
import sys
import threading

import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw

U = pw.utils


@U.register_keras_serializable("shop", "Tax")
class Tax:
    """A class of a user's."""

    def __init__(self, rate=0.2):
        self.rate = rate

    def get_config(self):
        return {"rate": self.rate}


@U.register_keras_serializable("shop")
def doubled(x):
    """A function of a user's."""
    return 2 * x


def through_json(value):
    return U.deserialize_keras_object(json.loads(json.dumps(U.serialize_keras_object(value))))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (pw.layers.MaxPooling2D(3, name="it"), keras.layers.MaxPooling2D(3, name="it")),
        (pw.losses.Huber(0.5), keras.losses.Huber(0.5)),
        (pw.metrics.MeanSquaredError(name="m"), keras.metrics.MeanSquaredError(name="m")),
        (pw.initializers.RandomNormal(0.0, 0.1, seed=3), keras.initializers.RandomNormal(0.0, 0.1, seed=3)),
        (pw.regularizers.L2(0.1), keras.regularizers.L2(0.1)),
        (pw.constraints.MaxNorm(3), keras.constraints.MaxNorm(3)),
        (pw.optimizers.SGD(0.5), keras.optimizers.SGD(0.5)),
        (pw.activations.relu, keras.activations.relu),
    ],
)
def test_an_object_is_made_again_from_our_description_and_from_that_of_keras(ours, theirs):
    again = through_json(ours)
    of_keras = U.deserialize_keras_object(json.loads(json.dumps(keras.utils.serialize_keras_object(theirs))))
    if ours is pw.activations.relu:
        assert again is of_keras is ours
    else:
        assert type(again) is type(of_keras) is type(ours)
        assert again.get_config() == ours.get_config()


def test_keras_makes_an_object_again_from_our_description():
    again = keras.utils.deserialize_keras_object(U.serialize_keras_object(pw.regularizers.L2(0.1)))
    assert type(again) is keras.regularizers.L2 and again.get_config() == pytest.approx({"l2": 0.1})
    assert keras.utils.deserialize_keras_object(U.serialize_keras_object(pw.activations.relu)) is keras.activations.relu


def test_plain_values_and_arrays_come_back():
    value = {"a": [1, 2.5, None, "relu", True], "b": slice(1, None, 2), "c": b"xy", "d": ...}
    assert through_json(value) == value
    array = through_json(np.arange(6, dtype="float32").reshape(2, 3))
    assert isinstance(array, np.ndarray) and array.dtype == np.float32 and array.shape == (2, 3)
    assert through_json(jnp.ones(2, jnp.bfloat16)).dtype == jnp.bfloat16
    assert U.serialize_keras_object(np.float32(2)) == 2.0


def test_a_registered_class_and_function_are_found_by_their_names():
    assert U.get_registered_name(Tax) == "shop>Tax"
    assert U.get_registered_object("shop>Tax") is Tax
    assert U.get_registered_name(len) == "len"
    assert U.get_registered_object("shop>Tacks") is None
    assert U.get_registered_object("Tacks", custom_objects={"Tacks": Tax}) is Tax
    assert through_json(Tax(0.5)).rate == 0.5
    assert through_json(doubled) is doubled
    assert U.get_custom_objects()["shop>Tax"] is Tax


def test_what_is_put_into_the_custom_objects_is_known_as_an_argument():
    U.get_custom_objects()["my_activation"] = doubled
    try:
        assert pw.layers.Dense(1, activation="my_activation").activation is doubled
    finally:
        del U.get_custom_objects()["my_activation"]


def test_a_scope_names_things_inside_of_it_only():
    with U.custom_object_scope({"twice": doubled}), U.CustomObjectScope({"other": abs}):
        assert pw.activations.get("twice") is doubled
        assert U.get_registered_object("other") is abs
        seen = []
        thread = threading.Thread(target=lambda: seen.append(U.get_registered_object("twice")))
        thread.start()
        thread.join()
        assert seen == [None]
    with pytest.raises(ValueError, match="Unknown activation 'twice'"):
        pw.activations.get("twice")


def test_a_scope_comes_before_a_name_of_our_own():
    class Dense(pw.layers.Dense):
        pass

    described = U.serialize_keras_object(pw.layers.Dense(1))
    assert type(U.deserialize_keras_object(described, custom_objects={"Dense": Dense})) is Dense
    assert type(U.deserialize_keras_object(described)) is pw.layers.Dense


@pytest.mark.parametrize("module", [None, "my.layers"])
def test_a_class_of_a_users_is_never_taken_for_one_of_ours_of_that_name(module):
    class Dense(pw.layers.Dense):
        pass

    model = pw.Sequential([pw.Input((3,)), Dense(2)])
    described = {"module": module, "class_name": "Dense", "registered_name": "Dense", "config": {"units": 2}}
    for made in (
        lambda: pw.Sequential.from_config(model.get_config()).layers[0],
        lambda: pw.layers.TimeDistributed.from_config(pw.layers.TimeDistributed(Dense(2)).get_config()).layer,
        lambda: pw.layers.deserialize(described),
        lambda: U.deserialize_keras_object(described),
    ):
        with pytest.raises(ValueError, match="registered here"):
            made()
        with U.custom_object_scope({"Dense": Dense}):
            assert type(made()) is Dense


def test_a_scope_finds_a_class_that_another_program_registered_under_a_package():
    described = {"module": "shop", "class_name": "Rate", "registered_name": "other>Rate", "config": {"rate": 0.5}}
    with U.custom_object_scope({"Rate": Tax}):
        assert pw.layers.deserialize(described).rate == 0.5


def test_nothing_is_imported_because_a_config_names_it(tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    config = {"module": "trap", "class_name": "Trap", "config": {}, "registered_name": "Trap"}
    with pytest.raises(
        ValueError, match=r"speaks of 'Trap', which is nothing that is registered here.* nothing is imported"
    ):
        U.deserialize_keras_object(config)
    with pytest.raises(ValueError, match=r"speaks of 'system'"):
        U.deserialize_keras_object(
            {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
        )
    assert "trap" not in sys.modules


def test_code_is_neither_written_nor_run():
    with pytest.raises(ValueError, match="A lambda cannot be described: it has no name"):
        U.serialize_keras_object(lambda x: x)
    with pytest.raises(ValueError, match="holds the code of a lambda, which is never run"):
        U.deserialize_keras_object({"class_name": "__lambda__", "config": {"value": "00"}}, safe_mode=False)


def test_what_has_no_config_is_refused():
    with pytest.raises(ValueError, match="class object cannot be described: it has no get_config"):
        U.serialize_keras_object(object())
    with pytest.raises(ValueError, match="class Bare has no get_config, so no file could describe it"):
        U.register_keras_serializable()(type("Bare", (), {}))
    with pytest.raises(TypeError, match=r"Write it with parentheses: @register_keras_serializable\(\)"):
        U.register_keras_serializable(Tax)
    with (
        pytest.raises(TypeError, match="takes a dict of name -> class or function; got list"),
        U.CustomObjectScope([Tax]),
    ):
        pass
    with pytest.raises(ValueError, match=r"speaks of 'Dens', .*Did you mean 'Dense'\?"):
        U.deserialize_keras_object({"module": "keras.layers", "class_name": "Dens", "config": {}})
