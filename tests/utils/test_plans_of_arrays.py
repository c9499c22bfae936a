"""Plans that are made of arrays: parts of a data set, windows over a series."""

import random

import numpy as np
import pytest

import phasewise as pw

X = np.arange(10.0).reshape(10, 1)
Y = np.arange(10)


def numbers(plan):
    """The labels of a plan of (x, y)."""
    return [int(y) for _, y in plan]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (0.8, None, (range(8), range(8, 10))),
        (None, 3, (range(7), range(7, 10))),
        (2, 0.3, (range(2), range(7, 10))),
        (0.25, 0.75, (range(2), range(2, 10))),
    ],
)
def test_split_dataset_cuts_the_first_from_the_last(left, right, expected):
    for source in (
        (X, Y),
        [X, Y],
        pw.Dataset.from_tensor_slices((X, Y)),
        pw.Dataset.from_tensor_slices((X, Y)).prefetch(2),
    ):
        parts = pw.utils.split_dataset(source, left, right)
        assert [numbers(part) for part in parts] == [list(part) for part in expected]
        assert [len(part) for part in parts] == [len(part) for part in expected]


def test_no_element_of_a_plan_that_is_shuffled_anew_every_pass_is_in_both_parts():
    left, right = pw.utils.split_dataset(pw.Dataset.from_tensor_slices((X, Y)).shuffle(10), 0.5)
    assert sorted(numbers(left) + numbers(right)) == list(range(10))
    assert numbers(left) == numbers(left)


def test_a_plan_of_batches_is_cut_by_rows_and_batched_again():
    left, right = pw.utils.split_dataset(pw.Dataset.from_tensor_slices((X, Y)).batch(4), 0.6)
    assert [y.tolist() for _, y in left] == [[0, 1, 2, 3], [4, 5]]
    assert [y.tolist() for _, y in right] == [[6, 7, 8, 9]]


def test_a_shuffled_split_has_the_order_of_keras():
    order = list(range(10))
    random.Random(7).shuffle(order)
    left, right = pw.utils.split_dataset((X, Y), 6, shuffle=True, seed=7)
    assert numbers(left) + numbers(right) == order


def test_dicts_and_elements_of_different_shapes_are_split():
    left, _ = pw.utils.split_dataset({"a": X, "b": Y}, 3)
    assert [int(each["b"]) for each in left] == [0, 1, 2]
    ragged = pw.Dataset.from_generator(lambda: (np.zeros(n) for n in (1, 2, 3)))
    assert [len(each) for part in pw.utils.split_dataset(ragged, 2) for each in part] == [1, 2, 3]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "needs left_size or right_size"),
        ({"left_size": 10}, "left_size as an int is at least 1 and below the 10 elements of the data; got 10"),
        ({"right_size": 1.5}, "right_size as a float is a fraction between 0 and 1; got 1.5"),
        ({"left_size": 6, "right_size": 5}, "are 6 and 5 elements together; the data have 10"),
        ({"left_size": 0.01}, "0 of 10 elements to the left and 10 to the right: a part would be empty"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        pw.utils.split_dataset((X, Y), **sizes)


def test_what_cannot_be_split_is_refused():
    with pytest.raises(TypeError, match=r"takes arrays, a phasewise.Dataset, .*; got int"):
        pw.utils.split_dataset(3, 0.5)
    with pytest.raises(TypeError, match=r"this data set is endless. Take a part of it first"):
        pw.utils.split_dataset(pw.Dataset.range(3).repeat(), 0.5)
    with pytest.raises(ValueError, match=r"arrays of one length; these have \[9, 10\] rows"):
        pw.utils.split_dataset((X, Y[:9]), 0.5)


SERIES = np.arange(20.0)


@pytest.mark.parametrize(
    "settings",
    [
        {"sequence_length": 3},
        {"sequence_length": 4, "sequence_stride": 3, "sampling_rate": 2, "batch_size": 2},
        {"sequence_length": 3, "start_index": 4, "end_index": 12, "batch_size": 5},
    ],
)
@pytest.mark.parametrize("with_targets", [False, True])
def test_windows_begin_where_keras_says(settings, with_targets):
    targets = SERIES * 10 if with_targets else None
    first, last = settings.get("start_index", 0), settings.get("end_index", 20)
    span = (settings["sequence_length"] - 1) * settings.get("sampling_rate", 1)
    begins = range(first, last - span, settings.get("sequence_stride", 1))
    expected = [[b + i * settings.get("sampling_rate", 1) for i in range(settings["sequence_length"])] for b in begins]
    plan = pw.utils.timeseries_dataset_from_array(SERIES, targets, **settings)
    batches = list(plan)
    windows = np.concatenate([batch[0] if with_targets else batch for batch in batches])
    np.testing.assert_array_equal(windows, expected)
    assert all(len(np.atleast_1d(b[0] if with_targets else b)) <= settings.get("batch_size", 128) for b in batches)
    if with_targets:
        np.testing.assert_array_equal(np.concatenate([batch[1] for batch in batches]), [b * 10 for b in begins])


def test_windows_with_targets_beyond_the_start_are_right():
    # Keras takes the number of targets for the number that lie behind start_index.
    plan = pw.utils.timeseries_dataset_from_array(SERIES, SERIES[:8], 2, start_index=4)
    ((windows, targets),) = plan
    assert windows[:, 0].tolist() == targets.tolist() == [4, 5, 6, 7]


def test_shuffled_windows_keep_their_targets_and_repeat_with_the_seed():
    def pass_over(seed):
        plan = pw.utils.timeseries_dataset_from_array(SERIES, SERIES, 3, batch_size=None, shuffle=True, seed=seed)
        return [(window[0], target) for window, target in plan]

    once = pass_over(1)
    assert once == pass_over(1) != pass_over(2)
    assert all(first == target for first, target in once)
    assert sorted(first for first, _ in once) == list(range(18))


def test_a_model_learns_from_windows_over_a_series_of_vectors():
    series = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    plan = pw.utils.timeseries_dataset_from_array(series[:-4], series[4:, :1], 4, batch_size=8)
    model = pw.Sequential([pw.layers.Flatten(), pw.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(plan, verbose=0).history["loss"][0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequence_length": 0}, "sequence_length must be a positive integer; got 0"),
        ({"sequence_length": 3, "sampling_rate": -1}, "sampling_rate must be a positive integer; got -1"),
        ({"sequence_length": 3, "start_index": 1.5}, "start_index must be an integer of at least 0; got 1.5"),
        ({"sequence_length": 30}, "No window of 30 steps, 1 apart, has room in the steps 0 to 20"),
        (
            {"sequence_length": 3, "start_index": 9, "end_index": 5},
            "in this order within the 20 steps of the data; got 9 and 5",
        ),
        ({"sequence_length": 3, "format": "torch"}, "format is one of 'tf', 'grain'; got 'torch'"),
    ],
)
def test_windows_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        pw.utils.timeseries_dataset_from_array(SERIES, None, **settings)
