"""The arguments of `keras.utils`."""

import inspect

import keras
import pytest

import phasewise as pw


def here():
    """The classes and functions of `keras.utils`: that all are here, `test_keras_names` says."""
    return sorted(name for name, item in vars(keras.utils).items() if name[0] != "_" and not inspect.ismodule(item))


def parameters(item):
    return [(p.name, p.default) for p in inspect.signature(item).parameters.values() if p.kind is not p.VAR_KEYWORD]


@pytest.mark.parametrize("name", here())
def test_arguments_their_order_and_defaults_are_those_of_keras(name):
    assert parameters(getattr(pw.utils, name)) == parameters(getattr(keras.utils, name))


def test_a_name_that_is_not_there_is_answered_with_the_nearest():
    with pytest.raises(
        AttributeError, match=r"phasewise.utils has no 'to_categorial'. Did you mean 'to_categorical'\?"
    ):
        _ = pw.utils.to_categorial
