"""How far a model has come, besides its weights: the steps made, where its random draws stand, what its averages have seen."""

from typing import Any

import numpy as np

from phasewise.core import random


def course_of(model: Any) -> dict[str, Any]:
    """It, as numbers and lists of them."""
    inventory, seeds = model._inventory(), model._seeds
    return {
        "steps_trained": int(model.steps_trained),
        "seeds": [int(seeds.seed), seeds._on_host, seeds._calls, int(seeds._seed_of_calls)],
        "generators": [generator._drawn for generator in _generators(inventory)],
        "averages": [[average._updates, float(average._share)] for average in _averages(inventory)],
    }


def put_back_course(model: Any, course: dict[str, Any]) -> None:
    """Bring a model like that one, with its weights, to where it was."""
    inventory, seeds = model._inventory(), model._seeds
    model.steps_trained = np.int32(course["steps_trained"])
    seeds._era = random._process["era"]
    seeds._seed, seeds._on_host, seeds._calls = course["seeds"][:3]
    seeds._seed_of_calls = np.uint32(course["seeds"][3])
    for generator, drawn in zip(_generators(inventory), course["generators"]):
        generator._drawn = drawn
    for average, (updates, share) in zip(_averages(inventory), course["averages"]):
        average._updates, average._share, average._known = updates, share, average._held()


def _generators(inventory):
    found = (value for layer in inventory.layers for _, value in sorted(vars(layer).items()))
    return list({id(g): g for g in found if isinstance(g, random.SeedGenerator)}.values())


def _averages(inventory):
    return [average for layer in inventory.layers for average in layer._averages if hasattr(average, "_share")]
