"""Random plans give what tf.data gave for them, as far as `Dataset` says that it does; recorded by `recorded/record_plans.py`."""

import gzip
import json
import pathlib
import types

import numpy as np
import plans
import pytest

from phasewise.data import UNKNOWN_CARDINALITY, Dataset

RECORD = pathlib.Path(__file__).parent / "recorded" / "plans.json.gz"


def count_of(number):
    assert np.ndim(number) == 0
    return abs(int(number)) % 3


OURS = types.SimpleNamespace(
    Dataset=Dataset,
    repeated=lambda n: np.full(n, n),
    doubled=lambda a: np.logical_not(a) if a.dtype == bool else a + a,
    is_even=lambda a: np.asarray(a).astype(np.int64) % 2 == 0,
    as_count=count_of,
    cardinality=lambda plan: plan.cardinality(),
    spec=lambda plan: plans.plain_spec(plan.element_spec, lambda s: s.shape, lambda s: s.dtype.name),
)


@pytest.fixture(scope="module")
def outcomes():
    """(description, what tf.data gave, what we give) of each plan."""
    with gzip.open(RECORD, "rt") as file:
        recorded = json.load(file)["plans"]
    return [(plan, theirs, json.loads(json.dumps(plans.outcome(OURS, plan)))) for plan, theirs in recorded]


def both_told(outcomes):
    return [each for each in outcomes if "error" not in each[1] and "error" not in each[2]]


def test_the_record_is_of_the_plans_that_the_tests_describe(outcomes):
    assert [plan for plan, _, _ in outcomes] == plans.descriptions()
    assert len(outcomes) == 600


def test_what_tf_data_makes_we_make_with_the_same_elements(outcomes):
    different = [
        (plan, theirs["elements"], ours.get("elements", ours))
        for plan, theirs, ours in outcomes
        if "error" not in theirs and theirs["elements"] != ours.get("elements")
    ]
    assert different == []


def test_what_tf_data_refuses_we_refuse_at_the_latest_at_the_element_that_does_not_fit(outcomes):
    accepted = [
        (plan, ours)
        for plan, theirs, ours in outcomes
        if "error" in theirs and ours.get("elements") != [] and "error" not in ours
    ]
    assert accepted == []


def test_cardinalities_are_those_of_tf_data_or_truer(outcomes):
    def is_right(plan, theirs, ours):
        if ours == theirs["cardinality"]:
            return True
        if theirs["cardinality"] < 0:  # unknown there, or what `take(-3)` is said to have
            return ours == len(theirs["elements"])
        names = [name for name, *_ in plan]
        return ours == UNKNOWN_CARDINALITY and "unbatch" in names and {"double", "tag", "first"} & {*names}

    wrong = [
        (plan, theirs["cardinality"], ours["cardinality"])
        for plan, theirs, ours in both_told(outcomes)
        if not is_right(plan, theirs, ours["cardinality"])
    ]
    assert wrong == []


def test_specs_are_those_of_tf_data_with_the_first_elements_length_where_a_function_makes_them(outcomes):
    def is_right(plan, theirs, ours):
        if ours == theirs:
            return True
        (structure, parts), (ours_structure, ours_parts) = theirs, ours
        makes_them = {"ragged", "double", "tag", "first", "window", "padded_window", "flat_range"}
        return (
            bool(makes_them & {name for name, *_ in plan})
            and structure == ours_structure
            and all(map(fits, parts, ours_parts))
        )

    def fits(part, ours):
        (dtype, shape), (ours_dtype, ours_shape) = part, ours
        if dtype != ours_dtype:
            return False
        return shape is None or (
            len(shape) == len(ours_shape) and all(n in (None, m) for n, m in zip(shape, ours_shape, strict=True))
        )

    wrong = [
        (plan, theirs["spec"], ours["spec"])
        for plan, theirs, ours in both_told(outcomes)
        if not is_right(plan, theirs["spec"], ours["spec"])
    ]
    assert wrong == []
