"""Configs go over to Keras and back: for every layer that both have, nothing is lost on the way, and nothing in silence."""

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
ROWS = [
    *((name, arguments) for name, arguments, _ in TABLE),
    *((name, arguments) for name, (arguments, _) in MAKE.items() if name not in HERE_ALONE),
    *CELLS,
]
SPATIAL_DROPOUTS = {"SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}  # Keras's take no `trainable`
# What Keras's get_config leaves out; of a dropout's policy it writes the dtype of variables alone.
LOST_BY_KERAS = {
    ("SimpleRNN", "seed"),
    ("SimpleRNN", "activity_regularizer"),
    *((name, "dtype") for name in SPATIAL_DROPOUTS),
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


def differences(name, before, after):
    """The keys under which two configs hold something else."""
    before, after = plain(before), plain(after)
    found = {key for key in before.keys() | after.keys() if before.get(key, "none") != after.get(key, "none")}
    return {key for key in found if (name, key) not in LOST_BY_KERAS}


def both(name, arguments):
    """Ours and Keras's, away from the defaults of what every layer takes."""
    inner = {key: value for key, value in arguments.items() if key not in (*WRAPPED, "cells")}
    if "cells" in arguments:
        return [getattr(K.layers, name)(cells=arguments["cells"](K), name="it", **inner) for K in (pw, keras)]
    more = {"dtype": "mixed_bfloat16"} if name in SPATIAL_DROPOUTS else {"dtype": "mixed_bfloat16", "trainable": False}
    return [made(K, name, arguments, name="it", **more) for K in (pw, keras)]


@pytest.mark.parametrize(("name", "arguments"), ROWS, ids=lambda each: each if isinstance(each, str) else "")
def test_a_config_comes_back_from_the_other_library_as_it_went(name, arguments):
    ours, theirs = both(name, arguments)
    assert differences(name, ours.get_config(), from_keras(to_keras(ours)).get_config()) == set()
    assert differences(name, theirs.get_config(), to_keras(from_keras(theirs)).get_config()) == set()
    assert differences(name, ours.get_config(), from_keras(theirs).get_config()) == set()


def test_every_layer_that_both_have_is_here():
    classes = {cls.__name__ for cls in registry.members("layer")} - {"InputLayer", "Functional", "Model", "Sequential"}
    assert classes - set(HERE_ALONE) == {name for name, _ in ROWS}


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("BatchNormalization", {"virtual_batch_size": 4}, "virtual_batch_size"),
        ("SpatialDropout1D", {"rate": 0.5, "trainable": False}, "trainable"),
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
