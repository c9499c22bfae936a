"""Every name of `keras.layers` is here, less a list that gives a reason for each."""

import inspect
import json

import keras
import pytest

import phasewise as pw

TO_COME = "to come"

# One name a line, in alphabetical order.
NOT_HERE = {
    "AugMix": TO_COME,
    "CategoryEncoding": TO_COME,
    "ConvLSTM1D": TO_COME,
    "ConvLSTM2D": TO_COME,
    "ConvLSTM3D": TO_COME,
    "Discretization": TO_COME,
    "FlaxLayer": "it wraps a Flax module as an object of its own framework",
    "HashedCrossing": TO_COME,
    "Hashing": TO_COME,
    "IntegerLookup": TO_COME,
    "JaxLayer": "it wraps a JAX function as an object of its own framework",
    "MelSpectrogram": TO_COME,
    "Pipeline": TO_COME,
    "RandAugment": TO_COME,
    "STFTSpectrogram": TO_COME,
    "StringLookup": TO_COME,
    "TFSMLayer": "it wraps a TensorFlow SavedModel as an object of its own framework",
    "TextVectorization": TO_COME,
    "TorchModuleWrapper": "it wraps a PyTorch module as an object of its own framework",
}


def names(module):
    """The public classes and functions of a module."""
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {name for name, item in found.items() if inspect.isclass(item) or inspect.isfunction(item)}


def test_every_name_of_keras_layers_is_here_or_has_a_reason():
    missing = names(keras.layers) - names(pw.layers) - set(NOT_HERE)
    assert not missing, f"Make them, or enter them in NOT_HERE with a reason: {sorted(missing)}"


def test_no_name_is_excused_that_is_here_or_that_keras_does_not_have():
    stale = set(NOT_HERE) & names(pw.layers) | set(NOT_HERE) - names(keras.layers)
    assert not stale, f"Strike them from NOT_HERE: {sorted(stale)}"
    assert list(NOT_HERE) == sorted(NOT_HERE)


def test_two_names_of_one_class_in_keras_are_two_names_of_one_class_here():
    both = sorted(names(keras.layers) & names(pw.layers))
    for name in both:
        twins = [other for other in both if getattr(keras.layers, other) is getattr(keras.layers, name)]
        assert len({getattr(pw.layers, twin) for twin in twins}) == 1, twins


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
