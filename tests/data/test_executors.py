"""The two executors: the same batches from either, in the dtypes of the device, and no thread that outlives its run."""

import threading
import time

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise.data import Dataset, make_executor

TABLE = {"x": np.arange(24.0).reshape(12, 2), "y": np.arange(12)}


def batches(executor, limit=None):
    """The batches that a run would see, as they are."""
    return [
        jax.tree.map(np.asarray, executor.fetch(feed.arrays, i))
        for feed in executor.feeds(limit)
        for i in range(feed.steps)
    ]


def padded(executor, **options):
    """(batch, number of its rows that are real) as a run with padding would see them."""
    return [
        (jax.tree.map(np.asarray, executor.fetch(feed.arrays, i)), int(feed.arrays["valid"][i]))
        for feed in executor.padded_feeds(**options)
        for i in range(feed.steps)
    ]


def real_rows(pairs):
    return [row for batch, valid in pairs for row in np.asarray(batch)[:valid].tolist()]


def workers():
    """Threads that prepare batches."""
    return [t for t in threading.enumerate() if t is not threading.main_thread() and t.daemon]


def ended(before, seconds=2.0):
    """Whether all threads begun since `before` end in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not set(workers()) - set(before):
            return True
        time.sleep(0.01)
    return False


def streamed(plan):
    """The same batches from a plan that only the streaming executor can run."""
    return plan.map(lambda *parts: parts if len(parts) > 1 else parts[0])


def assert_same(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second):
        assert jax.tree.structure(a) == jax.tree.structure(b)
        for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b)):
            assert np.result_type(one) == np.result_type(other)
            np.testing.assert_array_equal(one, other)


STEPS = st.one_of(
    st.tuples(st.just("shuffle"), st.integers(1, 15), st.integers(0, 99), st.booleans()),
    st.tuples(st.just("take"), st.integers(1, 12)),
    st.tuples(st.just("skip"), st.integers(0, 3)),
    st.tuples(st.just("repeat"), st.integers(1, 2)),
    st.tuples(st.just("shard"), st.just(2), st.integers(0, 1)),
    st.tuples(st.just("cache")),
)


@given(st.lists(STEPS, max_size=3), st.sampled_from([3, 4]), st.booleans(), st.lists(STEPS, max_size=2))
@settings(max_examples=25, deadline=None)
def test_resident_and_streaming_executors_give_the_same_batches_in_every_pass(before, size, drop, after):
    def plan():
        made = Dataset.from_tensor_slices(TABLE)
        for name, *arguments in before:
            made = getattr(made, name)(*arguments)
        made = made.batch(size, drop)
        for name, *arguments in after:
            made = getattr(made, name)(*arguments)
        return made

    resident, streaming = make_executor(plan()), make_executor(streamed(plan()))
    assert type(resident) is not type(streaming)
    for _ in range(2):
        assert_same(batches(resident), batches(streaming))
    assert_same(padded(resident, rows=5, regroup=True), padded(streaming, rows=5, regroup=True))
    # To how many rows a batch is filled up may differ: only a plan of rows knows how many a whole one has.
    assert_same(*([jax.tree.map(lambda a, n=n: a[:n], b) for b, n in padded(each)] for each in (resident, streaming)))


@pytest.mark.parametrize("route", [lambda plan: plan, streamed], ids=["resident", "streaming"])
def test_a_run_of_some_steps_goes_on_where_the_last_one_stopped_until_it_is_restarted(route):
    executor = make_executor(route(Dataset.range(10).batch(3)))
    assert [b.tolist() for b in batches(executor, 1)] == [[0, 1, 2]]
    assert [b.tolist() for b in batches(executor, 2)] == [[3, 4, 5], [6, 7, 8]]
    assert [b.tolist() for b in batches(executor, 5)] == [[9]]
    assert batches(executor, 5) == []
    executor.restart()
    assert [b.tolist() for b in batches(executor, 1)] == [[0, 1, 2]]
    executor.close()


@pytest.mark.parametrize("route", [lambda plan: plan, streamed], ids=["resident", "streaming"])
def test_padding_loses_no_row_when_a_later_batch_is_larger(route):
    first_is_short = Dataset.range(10).batch(4).shard(3, 2).concatenate(Dataset.range(10).batch(4))
    assert sorted(real_rows(padded(make_executor(route(first_is_short))))) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 9]
    seed = next(s for s in range(99) if len(next(iter(Dataset.range(10).batch(4).shuffle(3, seed=s)))) == 2)
    shuffled = Dataset.range(10).batch(4).shuffle(3, seed=seed)
    assert sorted(real_rows(padded(make_executor(route(shuffled))))) == list(range(10))


def test_padding_grows_with_batches_that_grow():
    sizes = [[0], [1, 2], [3, 4, 5], [6], [7, 8]]
    executor = make_executor(Dataset.from_generator(lambda: map(np.asarray, sizes)))
    pairs = padded(executor)
    assert real_rows(pairs) == list(range(9))
    assert [len(batch) for batch, _ in pairs] == [1, 2, 3, 3, 3]


def test_batches_of_different_lengths_are_padded_in_their_rows_only():
    sequences = [np.full((2, 3), 1.0), np.full((1, 3), 2.0), np.full((2, 4), 3.0), np.full((2, 3), 4.0)]
    executor = make_executor(Dataset.from_generator(lambda: iter(sequences)))
    for options in ({}, {"rows": 4, "regroup": True}):
        pairs = padded(executor, **options)
        assert {batch.shape[1] for batch, _ in pairs} == {3, 4}
        assert [row[0] for row in real_rows(pairs)] == [1, 1, 2, 3, 3, 4, 4]
    assert [b.shape for b in batches(executor)] == [s.shape for s in sequences]


# -- dtypes


@pytest.mark.parametrize("route", [lambda plan: plan, streamed], ids=["resident", "streaming"])
@pytest.mark.parametrize(
    ("given", "on_device"),
    [
        ("float64", "float32"),
        ("float32", "float32"),
        ("float16", "float16"),
        ("int64", "int32"),
        ("uint64", "uint32"),
        ("uint8", "uint8"),
        ("bool", "bool"),
    ],
)
def test_64_bits_are_32_on_the_device_and_the_rest_stays(route, given, on_device):
    executor = make_executor(route(Dataset.from_tensor_slices(np.ones((4, 2), given)).batch(2)))
    assert executor.element_spec.dtype == on_device
    assert executor.element_spec.shape == (None, 2)
    assert {b.dtype for b in batches(executor)} == {np.dtype(on_device)}


@pytest.mark.parametrize("route", [lambda plan: plan, streamed], ids=["resident", "streaming"])
@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_an_integer_that_does_not_fit_is_an_error(route, value):
    plan = route(Dataset.from_tensor_slices(np.array([0, value, 1])).batch(2))
    with pytest.raises(ValueError, match=f"hold the integer {value}, which 32 bits cannot hold"):
        batches(make_executor(plan))


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31)])
def test_the_largest_integers_that_fit_arrive_unchanged(value):
    assert batches(make_executor(Dataset.from_tensors(np.array([value]))))[0].tolist() == [value]


# -- errors


@pytest.mark.parametrize("route", [lambda plan: plan, streamed], ids=["resident", "streaming"])
def test_words_are_refused_by_their_place(route):
    plan = route(Dataset.from_tensor_slices({"x": [1.0, 2.0], "city": ["Rome", "Oslo"]}).batch(2))
    with pytest.raises(TypeError, match=r"data\['city'\] has dtype <U4, but a model takes numbers"):
        batches(make_executor(plan))


def test_elements_that_are_not_batched_are_refused():
    with pytest.raises(ValueError, match=r"single elements, not batches.*Call \.batch\(n\)"):
        batches(make_executor(Dataset.range(3)))


def test_parts_of_a_batch_with_different_numbers_of_rows_are_refused():
    plan = Dataset.from_tensors((np.zeros((3, 2)), np.zeros(4)))
    with pytest.raises(ValueError, match=r"differ in their number of rows; their shapes are \[\(3, 2\), \(4,\)\]"):
        batches(make_executor(plan))


def test_a_plan_of_nothing_has_no_batch_and_says_so_when_asked_for_its_shape():
    executor = make_executor(Dataset.from_generator(lambda: iter(())))
    assert executor.sample() is None
    assert batches(executor) == []
    with pytest.raises(ValueError, match="The data hold no rows"):
        _ = executor.element_spec


class OwnError(Exception):
    pass


def test_the_users_own_error_arrives_from_where_it_was_raised_and_the_thread_ends():
    def failing():
        yield np.zeros((2, 1))
        raise OwnError("the third file is damaged")

    before = workers()
    executor = make_executor(Dataset.from_generator(failing))
    with pytest.raises(OwnError, match="the third file is damaged") as caught:
        batches(executor)
    assert caught.traceback[-1].name == "failing"
    assert ended(before)


# -- threads


def endless():
    number = 0
    while True:
        yield np.full((2, 1), number)
        number += 1


@pytest.mark.parametrize("end", ["close", "restart", "forget"])
def test_the_thread_ends_with_the_run(end):
    before = workers()
    executor = make_executor(Dataset.from_generator(endless))
    feed = next(executor.feeds(3))
    assert feed.steps == 3
    assert len(workers()) == len(before) + 1
    if end == "forget":
        del executor, feed
    else:
        getattr(executor, end)()
    assert ended(before)


def test_no_thread_outlives_fit_evaluate_or_predict():
    model = pw.Sequential([pw.Input((1,)), pw.layers.Dense(1)])
    model.compile("sgd", "mse")
    before = workers()

    class Stop(pw.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    plan = Dataset.from_generator(endless).map(lambda x: (x, x * 0.0))
    model.fit(plan, steps_per_epoch=3, callbacks=[Stop()], verbose=0)
    model.evaluate(plan, steps=2, verbose=0)
    assert model.predict(Dataset.from_generator(endless), steps=2, verbose=0).shape == (4, 1)
    assert ended(before)


def test_asking_for_the_shape_in_the_middle_of_a_run_loses_no_batch():
    executor = make_executor(Dataset.from_generator(lambda: (np.full((1, 1), i) for i in range(4))))
    assert executor.element_spec.shape == (None, 1)
    seen = []
    for _ in range(4):
        seen += batches(executor, 1)
        assert executor.element_spec.shape == (None, 1)
    assert np.ravel(seen).tolist() == [0, 1, 2, 3]


def test_a_slow_source_is_not_waited_for():
    def slow():
        for i in range(12):
            time.sleep(0.06)
            yield np.full((1, 1), i)

    feeds = list(make_executor(Dataset.from_generator(slow)).feeds())
    assert len(feeds) > 1
    assert sum(feed.steps for feed in feeds) == 12
    assert len({jax.tree.leaves(feed.arrays)[0].shape for feed in feeds}) == 1


@pytest.mark.parametrize("kind", ["arrays", "a stream"])
def test_several_large_batches_go_together_as_long_as_they_fit(kind):
    """Each dispatch finds its memory anew: of eight batches of 2 MiB two would go together if bytes alone were counted."""
    plan = Dataset.from_tensor_slices(np.zeros((40, 1 << 17), np.float32))
    for rows, together in ((4, [8, 2]), (40, [1])):
        batched = plan.batch(rows)
        executor = make_executor(batched if kind == "arrays" else streamed(batched))
        assert [feed.steps for feed in executor.feeds()] == together
        executor.close()
