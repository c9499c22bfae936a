"""The base of layers that hold another layer."""

import json

import keras
import numpy as np
import pytest

import phasewise as pw
from parity import check_layer, inputs_of
from phasewise.core.registry import register_serializable


def twice_in(library):
    """A user's wrapper that calls its layer on its own output."""

    class Twice(library.layers.Wrapper):
        def call(self, inputs):
            return self.layer(self.layer(inputs))

        def compute_output_shape(self, input_shape):
            return input_shape

    return Twice


def test_a_wrapper_of_ones_own_computes_as_in_keras():
    ours, theirs = (twice_in(library)(library.layers.Dense(5, "tanh", name="inner")) for library in (pw, keras))
    check_layer(ours, theirs, inputs_of((4, 5)))
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert ours.weights[0].path.endswith("inner/kernel")


def test_the_wrapped_layer_is_in_the_config():
    Twice = register_serializable("tests", "Twice")(twice_in(pw))
    x = inputs_of((2, 3))
    layer = Twice(pw.layers.Dense(3, "relu", name="inner"), name="it")
    again = pw.layers.deserialize(json.loads(json.dumps(pw.layers.serialize(layer))))
    y = layer(x)
    again(x)
    again.set_weights(layer.get_weights())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(x), y)


def test_a_layer_that_is_built_keeps_its_weights():
    inner = pw.layers.Dense(3)
    inner(inputs_of((2, 3)))
    kernel = np.asarray(inner.kernel)
    wrapper = twice_in(pw)(inner)
    wrapper(inputs_of((2, 3)))
    np.testing.assert_array_equal(wrapper.get_weights()[0], kernel)


def test_what_is_no_layer_is_refused():
    with pytest.raises(ValueError, match=r"Twice wraps a layer; got <function"):
        twice_in(pw)(lambda x: x)
