"""The names of `keras.losses` and `keras.metrics`: what is described by them, and found by them."""

import inspect
import json

import keras
import pytest

import phasewise as pw

FAMILIES = ["losses", "metrics"]


def names(module):
    """The public classes and functions of a module."""
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {name for name, item in found.items() if inspect.isclass(item) or inspect.isfunction(item)}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_function_is_described_by_its_name_and_found_by_it(family):
    module = getattr(pw, family)
    for name in sorted(names(module) - {"get", "serialize", "deserialize"}):
        item = getattr(module, name)
        if inspect.isfunction(item):
            assert module.serialize(item) == name
        if inspect.isfunction(item) and family == "losses":
            assert module.get(name) is module.deserialize(name) is item


@pytest.mark.parametrize(
    ("family", "made"),
    [
        ("losses", lambda K: K.losses.Tversky(alpha=0.3, axis=(1, 2))),
        ("losses", lambda K: K.losses.CTC(reduction="sum")),
        ("metrics", lambda K: K.metrics.IoU(num_classes=3, target_class_ids=[1])),
        ("metrics", lambda K: K.metrics.F1Score(average="macro")),
        ("metrics", lambda K: K.metrics.PrecisionAtRecall(recall=0.4)),
    ],
)
def test_an_object_is_made_again_from_its_own_description_and_from_that_of_keras(family, made):
    ours, module = made(pw), getattr(pw, family)
    for described in (module.serialize(ours), getattr(keras, family).serialize(made(keras))):
        again = module.deserialize(json.loads(json.dumps(described)))
        assert type(again) is type(ours)
        theirs, mine = again.get_config(), json.loads(json.dumps(ours.get_config()))
        assert {k: v for k, v in json.loads(json.dumps(theirs)).items() if k not in ("name", "dtype")} == {
            k: v for k, v in mine.items() if k not in ("name", "dtype")
        }


@pytest.mark.parametrize(
    ("family", "wrong", "right"),
    [("losses", "tverski", "tversky"), ("metrics", "F1Scores", "F1Score"), ("losses", "Ctc", "CTC")],
)
def test_a_name_that_is_not_there_is_answered_with_the_nearest(family, wrong, right):
    with pytest.raises(AttributeError, match=rf"phasewise.{family} has no '{wrong}'. Did you mean '{right}'\?"):
        getattr(getattr(pw, family), wrong)
