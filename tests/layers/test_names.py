"""The names of `keras.layers`: what is one class there is one here, and what is a kind of another is one here."""

import inspect
import json

import keras
import pytest

import phasewise as pw


def names(module):
    """The public classes and functions of a module."""
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {name for name, item in found.items() if inspect.isclass(item) or inspect.isfunction(item)}


def test_two_names_of_one_class_in_keras_are_two_names_of_one_class_here():
    both = sorted(names(keras.layers) & names(pw.layers))
    for name in both:
        twins = [other for other in both if getattr(keras.layers, other) is getattr(keras.layers, name)]
        assert len({getattr(pw.layers, twin) for twin in twins}) == 1, twins


def test_what_is_a_kind_of_another_layer_in_keras_is_one_here():
    """So that `isinstance(layer, Wrapper)` of a user's finds the same layers."""
    both = [
        name for name in sorted(names(keras.layers) & names(pw.layers)) if inspect.isclass(getattr(pw.layers, name))
    ]
    for name in both:
        kinds = [other for other in both if issubclass(getattr(keras.layers, name), getattr(keras.layers, other))]
        assert [kind for kind in kinds if not issubclass(getattr(pw.layers, name), getattr(pw.layers, kind))] == [], (
            name
        )


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("MaxPool2d", "MaxPool2D"), ("GlobalAveragePool1D", "GlobalAveragePooling1D"), ("Upsampling2D", "UpSampling2D")],
)
def test_a_name_that_is_not_there_is_answered_with_the_nearest(wrong, right):
    with pytest.raises(AttributeError, match=rf"phasewise.layers has no '{wrong}'. Did you mean '{right}'\?"):
        getattr(pw.layers, wrong)


def test_a_layer_is_made_again_from_its_own_description_and_from_that_of_keras():
    ours, theirs = (library.layers.MaxPool2D(3, padding="same", name="it") for library in (pw, keras))
    for described in (pw.layers.serialize(ours), keras.layers.serialize(theirs)):
        again = pw.layers.deserialize(json.loads(json.dumps(described)))
        assert type(again) is pw.layers.MaxPooling2D
        assert again.get_config() == ours.get_config()


def test_what_describes_no_layer_is_refused():
    with pytest.raises(ValueError, match=r"layers.serialize takes a layer; got 3"):
        pw.layers.serialize(3)
    with pytest.raises(
        ValueError, match=r"layers.deserialize takes a dict with 'class_name' and 'config'; got 'Dense'"
    ):
        pw.layers.deserialize("Dense")
    with pytest.raises(ValueError, match=r"Unknown layer 'MaxPoling2D'. Did you mean 'MaxPooling2D'"):
        pw.layers.deserialize({"class_name": "MaxPoling2D", "config": {}})
