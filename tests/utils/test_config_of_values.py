"""`utils.Config`: a dict with attributes that can be frozen."""

import copy
import json
import pickle

import pytest

import phasewise as pw


@pytest.fixture
def config():
    """Two entries."""
    return pw.utils.Config(rate=0.1, name="a")


def test_entries_are_items_and_attributes(config):
    config.steps, config["seed"] = 3, 4
    assert (config.rate, config["steps"], config.seed) == (0.1, 3, 4)
    assert config.as_dict() == {"rate": 0.1, "name": "a", "steps": 3, "seed": 4} == json.loads(config.to_json())
    assert list(config) == sorted(config.keys())
    assert (len(config), "rate" in config, config.get("no", 7)) == (4, True, 7)
    assert dict(config.items()) == dict(zip(config.keys(), config.values()))
    del config.steps
    assert config.pop("seed") == 4
    assert config.pop("seed", 5) == 5
    config.update({"rate": 1}, more=2)
    assert repr(config) == "<Config {'rate': 1, 'name': 'a', 'more': 2}>"


def test_what_is_handed_out_is_a_copy(config):
    config.as_dict()["rate"] = 9
    assert config.rate == 0.1


def test_frozen_it_does_not_change(config):
    config.freeze()
    assert config.frozen
    for change in (
        lambda: setattr(config, "rate", 2),
        lambda: config.update(rate=2),
        lambda: config.pop("rate"),
        lambda: config.__delitem__("rate"),
    ):
        with pytest.raises(ValueError, match=r"frozen: nothing in it can be changed\. Call unfreeze\(\)"):
            change()
    config.unfreeze()
    config.rate = 2
    assert config.rate == 2


def test_it_is_copied_and_pickled_as_it_is(config):
    config.freeze()
    for again in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert again == config
        assert again.frozen


def test_mistakes_are_refused(config):
    with pytest.raises(AttributeError, match=r"no entry 'rats'\. Did you mean 'rate'"):
        _ = config.rats
    with pytest.raises(ValueError, match=r"own methods .* cannot be entries; got 'keys'"):
        config.keys = 3
