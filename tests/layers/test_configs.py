"""Configs go over to Keras and back: for every layer that both have, nothing is lost on the way, and nothing in silence."""

import inspect
import json
import re

import keras
import numpy as np
import pytest
import recurrent_rows
from test_contract import MAKE
from test_parity import TABLE, WRAPPED, made

import phasewise as pw
from phasewise.core import registry

CELLS = [
    ("SimpleRNNCell", {"units": 3, "activation": "relu", "dropout": 0.2, "seed": 3}),
    ("LSTMCell", {"units": 3, "unit_forget_bias": False, "recurrent_dropout": 0.2, "use_bias": False}),
    ("GRUCell", {"units": 3, "reset_after": False, "recurrent_activation": "hard_sigmoid"}),
    (
        "StackedRNNCells",
        {"cells": recurrent_rows.several(recurrent_rows.of("GRUCell", 3), recurrent_rows.of("LSTMCell", 2))},
    ),
]
HERE_ALONE = {"Lambda": "holds a function of a user's", "ConvLSTMCell": "is not public in Keras"}
NEEDS_TENSORFLOW = {  # to be made in Keras; their arguments are compared below
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
}
ROWS = [
    *((name, arguments) for name, arguments, _ in TABLE),
    *(
        (name, arguments)
        for name, (arguments, _) in MAKE.items()
        if name not in {*HERE_ALONE, *NEEDS_TENSORFLOW} and not callable(arguments)
    ),
    *CELLS,
]
SPATIAL_DROPOUTS = {"SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}
# Arguments of every layer that Keras's classes of these names do not take.
NOT_TAKEN = {
    **dict.fromkeys((*SPATIAL_DROPOUTS, "Discretization"), ("trainable",)),
    "Pipeline": ("trainable", "dtype"),
}
# What Keras's get_config leaves out; of the policy of some it writes the dtype of variables alone.
LOST_BY_KERAS = {
    ("SimpleRNN", "seed"),
    ("SimpleRNN", "activity_regularizer"),
    ("MaxNumBoundingBoxes", "fill_value"),
    ("RandomGrayscale", "seed"),
    *((name, "dtype") for name in (*SPATIAL_DROPOUTS, "Discretization")),
}
# Keras writes down what was given, we the range that its code makes of it.
AS_GIVEN_IN_KERAS = {("RandomColorJitter", "contrast_factor"), ("RandomColorJitter", "saturation_factor")}
# Of one number Keras's code makes another range than its documentation says, and we; the test below tells that the range goes over.
ANOTHER_RANGE = {
    ("RandomColorDegeneration", "factor"),
    ("RandomContrast", "factor"),
    ("RandomPosterization", "factor"),
    ("RandomSaturation", "factor"),
    *AS_GIVEN_IN_KERAS,
}


def plain(config):
    """As a file holds it: fractions to the digits that Keras keeps of a regularizer's, names without the numbers behind them."""
    if isinstance(config, dict):
        bare = {key: plain(value) for key, value in config.items()}
        return {**bare, "name": re.sub(r"_\d+$", "", bare["name"])} if "name" in bare else bare
    if isinstance(config, list | tuple):
        return [plain(value) for value in config]
    return float(np.float32(config)) if isinstance(config, float) else json.loads(json.dumps(config))


def to_keras(layer):
    return keras.layers.deserialize(json.loads(json.dumps(pw.layers.serialize(layer))))


def from_keras(layer):
    return pw.layers.deserialize(json.loads(json.dumps(keras.layers.serialize(layer))))


def differences(name, before, after, but=LOST_BY_KERAS):
    """The keys under which two configs hold something else, `but` for those."""
    before, after = plain(before), plain(after)
    found = {key for key in before.keys() | after.keys() if before.get(key, "none") != after.get(key, "none")}
    return {key for key in found if (name, key) not in but}


def both(name, arguments):
    """Ours and Keras's, away from the defaults of what every layer takes; where there is a seed, with one."""
    inner = {key: value for key, value in arguments.items() if key not in (*WRAPPED, "cells")}
    if "cells" in arguments:
        return [getattr(K.layers, name)(cells=arguments["cells"](K), name="it", **inner) for K in (pw, keras)]
    more = {"dtype": "mixed_bfloat16", "trainable": False, "name": "it"}
    more = {key: value for key, value in more.items() if key not in NOT_TAKEN.get(name, ())}
    if "seed" in inspect.signature(getattr(keras.layers, name).__init__).parameters:
        more["seed"] = 3
    return [made_in(K, name, {**more, **arguments}) for K in (pw, keras)]


def made_in(library, name, arguments):
    """The layer, the layers of a pipeline of the same library."""
    if "layers" in arguments:
        inner = [getattr(library.layers, type(it).__name__).from_config(it.get_config()) for it in arguments["layers"]]
        arguments = {**arguments, "layers": inner}
    return made(library, name, arguments)


@pytest.mark.parametrize(("name", "arguments"), ROWS, ids=lambda each: each if isinstance(each, str) else "")
@pytest.mark.few(40)
def test_a_config_comes_back_from_the_other_library_as_it_went(name, arguments):
    ours, theirs = both(name, arguments)
    assert differences(name, ours.get_config(), from_keras(to_keras(ours)).get_config()) == set()
    opened = from_keras(theirs)
    but = LOST_BY_KERAS | AS_GIVEN_IN_KERAS
    assert differences(name, theirs.get_config(), to_keras(opened).get_config(), but) == set()
    assert differences(name, ours.get_config(), opened.get_config(), LOST_BY_KERAS | ANOTHER_RANGE) == set()


def test_every_layer_that_both_have_is_here():
    classes = {cls.__name__ for cls in registry.members("layer")} - {"InputLayer", "Functional", "Model", "Sequential"}
    assert classes - {*HERE_ALONE, *NEEDS_TENSORFLOW} == {name for name, _ in ROWS}


@pytest.mark.parametrize("name", sorted(NEEDS_TENSORFLOW))
def test_a_config_of_a_layer_of_strings_has_just_the_arguments_of_keras(name):
    theirs = getattr(keras.layers, name)
    taken = {key for cls in theirs.__mro__ for key in inspect.signature(cls.__init__).parameters}
    own = set(inspect.signature(theirs.__init__).parameters) - {"self", "kwargs"}
    written = set(made(pw, name, MAKE[name][0]).get_config())
    assert written - taken <= {"vocabulary_size"}  # which Keras's takes among its `kwargs`
    assert own <= written


# name, arguments, an attribute, the range that it is here
RANGES_OF_KERAS = [
    ("RandomContrast", {"factor": 0.5}, "factor", (0, 0.5)),
    ("RandomContrast", {"factor": (0.2, 0.5)}, "factor", (0.2, 0.5)),
    ("RandomContrast", {"factor": (0.5, 0.2)}, "factor", (0.2, 0.5)),
    ("RandomColorDegeneration", {"factor": 0.5}, "factor", (-0.5, 0.5)),
    ("RandomSaturation", {"factor": 0.9}, "factor", (-0.9, 0.9)),
    ("RandomPosterization", {"factor": 5}, "factor", (1, 4)),
    ("RandomPosterization", {"factor": (3, 6)}, "factor", (3, 5)),
    ("RandomPosterization", {"factor": (3, 4)}, "factor", (3, 3)),
    ("RandomPosterization", {"factor": (8, 8)}, "factor", (8, 8)),
    ("RandomPosterization", {"factor": (2, 9)}, "factor", (2, 8)),
    ("Solarization", {"threshold_factor": 0.5}, "threshold_factor", (0, 0.5)),
    ("Solarization", {"threshold_factor": (0.51, 0.6)}, "threshold_factor", (0.51 / 255, 0.6)),
    ("Solarization", {"addition_factor": (0.5, 0.5)}, "addition_factor", (0.5 / 255, 0.5)),
    ("RandomColorJitter", {"contrast_factor": 0.5}, "contrast_factor", (0, 0.5)),
    ("RandomColorJitter", {"contrast_factor": (0.5, 0.2)}, "contrast_factor", (0.2, 0.5)),
    ("RandomColorJitter", {"saturation_factor": 0.9}, "saturation_factor", (-0.9, 0.9)),
    ("RandomColorJitter", {"saturation_factor": (0.2, 0.9)}, "saturation_factor", (0.2, 0.9)),
    ("RandomShear", {"x_factor": 0.5}, "x_factor", 0.5),
    ("RandomShear", {"y_factor": (0.2, 0.5)}, "y_factor", (0.2, 0.5)),
]


def range_in_keras(layer, argument):
    """The range that Keras draws from; a jitter leaves it to a layer inside."""
    if argument in ("contrast_factor", "saturation_factor"):
        return getattr(layer, f"random_{argument.removesuffix('_factor')}").factor
    return getattr(layer, argument)


@pytest.mark.parametrize(("name", "arguments", "argument", "expected"), RANGES_OF_KERAS)
def test_what_keras_draws_from_is_drawn_from_here_and_there_again(name, arguments, argument, expected):
    theirs = getattr(keras.layers, name)(**arguments)
    ours = from_keras(theirs)
    assert getattr(ours, argument) == pytest.approx(expected)
    again = to_keras(ours)
    if (name, expected) != ("RandomPosterization", (3, 3)):  # which Keras has two ways to say
        assert range_in_keras(again, argument) == pytest.approx(range_in_keras(theirs, argument))
    assert getattr(from_keras(again), argument) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "arguments", "argument", "expected"),
    [
        ("RandomContrast", {"factor": 0.5}, "factor", (0.5, 0.5)),
        ("RandomColorDegeneration", {"factor": 0.5}, "factor", (0, 0.5)),
        ("RandomSaturation", {"factor": 0.9}, "factor", (0, 0.9)),
        ("RandomPosterization", {"factor": 5}, "factor", (5, 5)),
        ("RandomPosterization", {"factor": (3, 8)}, "factor", (3, 9)),  # Keras draws from below the upper one
        (
            "Solarization",
            {"threshold_factor": (0.002, 0.6)},
            "threshold_factor",
            (0.51, 0.6),
        ),  # the lower one in levels
        ("RandomColorJitter", {"contrast_factor": 0.5}, "contrast_factor", (0.5, 0.5)),
        ("RandomColorJitter", {"saturation_factor": 0.9}, "saturation_factor", (0, 0.9)),
    ],
)
def test_what_is_drawn_from_here_keras_draws_from(name, arguments, argument, expected):
    ours = getattr(pw.layers, name)(**arguments)
    assert range_in_keras(to_keras(ours), argument) == pytest.approx(expected)
    assert getattr(from_keras(to_keras(ours)), argument) == pytest.approx(getattr(ours, argument))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomContrast", {"factor": (0.5, 0.2)}),
        ("RandomColorJitter", {"contrast_factor": (0.5, 0.2)}),
        ("Solarization", {"addition_factor": (0.2, 0.5)}),
        ("Solarization", {"threshold_factor": (0.003, 0.5)}),
    ],
)
def test_a_range_that_keras_has_no_like_of_is_refused_there_and_read_here(name, arguments):
    layer = getattr(pw.layers, name)(**arguments)
    with pytest.raises(TypeError, match="'lower'"):
        to_keras(layer)
    again = pw.layers.deserialize(json.loads(json.dumps(pw.layers.serialize(layer))))
    assert {key: getattr(again, key) for key in arguments} == arguments


@pytest.mark.parametrize("name", ["RandomContrast", "RandomHue", "RandomSharpness"])
def test_a_range_of_keras_that_lies_outside_of_what_can_be_meant_is_refused_here(name):
    with pytest.raises(ValueError, match=rf"{name}'s factor is a number in \[0, 1\], .* got \[-0.2, 0.5\]"):
        from_keras(getattr(keras.layers, name)((-0.2, 0.5)))


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("BatchNormalization", {"virtual_batch_size": 4}, "virtual_batch_size"),
        ("SpatialDropout1D", {"rate": 0.5, "trainable": False}, "trainable"),
        ("Discretization", {"bin_boundaries": [0.0], "trainable": False}, "trainable"),
        ("Pipeline", {"layers": [], "trainable": False}, "trainable"),
    ],
)
def test_what_keras_cannot_do_is_refused_there_and_not_lost(name, arguments, word):
    layer = getattr(pw.layers, name)(**arguments, name="it")
    assert word in layer.get_config()
    with pytest.raises(TypeError, match=f"(?s){word}"):
        to_keras(layer)
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def test_layer_normalization_of_keras_that_does_not_subtract_the_mean_is_refused():
    layer = keras.layers.LayerNormalization(name="it")
    assert from_keras(layer).get_config()["epsilon"] == layer.epsilon
    layer.rms_scaling = True
    with pytest.raises(ValueError, match=r"rms_scaling=True, .* use RMSNormalization"):
        from_keras(layer)
