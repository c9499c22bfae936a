"""Every name of `keras.utils` and `keras.wrappers` is here, less a list that gives a reason for each."""

import inspect

import keras
import pytest

import phasewise as pw

TO_COME = "to come"

# One name a line, in alphabetical order.
NOT_HERE = {
    "Config": TO_COME,
    "FeatureSpace": TO_COME,
    "legacy": "the format of configs before Keras 3; that of Keras 3 is read and written",
}


def names(module):
    """The public names of a module of Keras's."""
    return {name for name in dir(module) if not name.startswith("_")}


def here():
    """The public classes and functions of `utils` and `wrappers`."""
    modules = [module for module in (pw.utils, getattr(pw, "wrappers", None)) if module is not None]
    return {name for module in modules for name in names(module) if not inspect.ismodule(getattr(module, name))} | {
        "bounding_boxes"
    }


THEIRS = names(keras.utils) | names(keras.wrappers)


def test_every_name_of_keras_is_here_or_has_a_reason():
    missing = THEIRS - here() - set(NOT_HERE)
    assert not missing, f"Make them, or enter them in NOT_HERE with a reason: {sorted(missing)}"


def test_no_name_is_excused_that_is_here_or_that_keras_does_not_have():
    stale = set(NOT_HERE) & here() | set(NOT_HERE) - THEIRS
    assert not stale, f"Strike them from NOT_HERE: {sorted(stale)}"
    assert list(NOT_HERE) == sorted(NOT_HERE)


def parameters(item):
    return [(p.name, p.default) for p in inspect.signature(item).parameters.values() if p.kind is not p.VAR_KEYWORD]


@pytest.mark.parametrize("name", sorted((here() & names(keras.utils)) - {"bounding_boxes"}))
def test_arguments_their_order_and_defaults_are_those_of_keras(name):
    assert parameters(getattr(pw.utils, name)) == parameters(getattr(keras.utils, name))


def test_a_name_that_is_not_there_is_answered_with_the_nearest():
    with pytest.raises(
        AttributeError, match=r"phasewise.utils has no 'to_categorial'. Did you mean 'to_categorical'\?"
    ):
        _ = pw.utils.to_categorial
