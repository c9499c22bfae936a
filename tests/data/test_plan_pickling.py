"""A plan of arrays can be pickled: it is made again from the arrays, step by step."""

import copy
import pickle

import numpy as np
import pytest

from phasewise import Dataset

X = np.arange(12, dtype=np.float32).reshape(6, 2)


def double(row):
    return 2 * row


def elements(plan):
    return [np.asarray(element).tolist() for element in plan]


@pytest.mark.parametrize(
    "plan",
    [
        Dataset.from_tensor_slices(X),
        Dataset.from_tensors(X),
        Dataset.range(5).shuffle(5, seed=1).repeat(2).batch(3),
        Dataset.from_tensor_slices(X).map(double).batch(4, drop_remainder=True),
        Dataset.from_tensor_slices(X).concatenate(Dataset.from_tensor_slices(-X)).take(8).skip(1),
        Dataset.from_tensor_slices({"a": X}).map(dict.popitem).take(0),
    ],
)
def test_the_twin_of_a_plan_has_its_elements(plan):
    wanted = elements(plan)
    for twin in (pickle.loads(pickle.dumps(plan)), copy.deepcopy(plan)):
        assert elements(twin) == wanted  # a shuffle begins again
        assert twin.cardinality() == plan.cardinality()


def test_a_plan_that_another_process_could_not_make_is_told():
    with pytest.raises(
        pickle.PicklingError, match=r"This plan cannot be pickled: args holds '<lambda>'|<locals>.<lambda>"
    ):
        pickle.dumps(Dataset.from_tensor_slices(X).map(lambda row: row))
