"""The names of `keras.optimizers` and `keras.optimizers.schedules`: what each is, and what it is found by."""

import inspect
import json

import keras
import pytest

import phasewise as pw
from phasewise import optimizers


def names(module):
    """The public classes, functions and modules of a module."""
    return {name for name in dir(module) if not name.startswith("_")}


def test_every_class_of_keras_is_a_class_here_and_all_is_told_by_all():
    for module, ours in ((keras.optimizers, optimizers), (keras.optimizers.schedules, optimizers.schedules)):
        for name in names(module) - {"legacy"}:
            assert inspect.isclass(getattr(module, name)) == inspect.isclass(getattr(ours, name)), name
            assert name in ours.__all__, name


@pytest.mark.parametrize(
    "name", sorted(n for n in names(keras.optimizers) if inspect.isclass(getattr(keras.optimizers, n)))
)
def test_a_name_in_lower_case_gives_the_optimizer_as_in_keras(name):
    try:
        theirs = keras.optimizers.get(name.lower())
    except (KeyError, ValueError, TypeError):  # one that wraps others
        return
    assert type(optimizers.get(name.lower())).__name__ == type(theirs).__name__ == name


@pytest.mark.parametrize("name", ["Muon", "Adafactor", "Ftrl", "ScheduleFreeAdamW"])
def test_a_config_of_keras_is_read(name):
    described = keras.optimizers.serialize(getattr(keras.optimizers, name)(0.25, name="it"))
    again = optimizers.deserialize(json.loads(json.dumps(described)))
    assert type(again).__name__ == name
    assert again.get_config() == described["config"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Adadleta", "Adadelta"),
        ("NAdam", "Nadam"),
        ("FTRL", "Ftrl"),
        ("LAMB", "Lamb"),
        ("MultiOptimiser", "MultiOptimizer"),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_the_nearest(wrong, right):
    with pytest.raises(AttributeError, match=rf"phasewise.optimizers has no '{wrong}'. Did you mean '{right}'\?"):
        getattr(optimizers, wrong)


def test_an_unknown_name_given_to_compile_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown optimizer 'adagard'. Did you mean 'adagrad'"):
        pw.Sequential([pw.layers.Dense(1)]).compile("adagard", "mse")
