"""Dataset: tf.data's names, and its semantics as facts observed there and as a model of plain lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from parity import bare_signature
from phasewise.data import Dataset, DatasetSpec, TensorSpec

INFINITE, UNKNOWN = pw.data.INFINITE_CARDINALITY, pw.data.UNKNOWN_CARDINALITY
SIGNATURES = {
    "from_tensor_slices": "(tensors, name=None)",
    "from_tensors": "(tensors, name=None)",
    "from_generator": "(generator, output_types=None, output_shapes=None, args=None, output_signature=None, name=None)",
    "zip": "(*args, datasets=None, name=None)",
    "map": "(self, map_func, num_parallel_calls=None, deterministic=None, name=None)",
    "filter": "(self, predicate, name=None)",
    "flat_map": "(self, map_func, name=None)",
    "batch": "(self, batch_size, drop_remainder=False, num_parallel_calls=None, deterministic=None, name=None)",
    "unbatch": "(self, name=None)",
    "padded_batch": "(self, batch_size, padded_shapes=None, padding_values=None, drop_remainder=False, name=None)",
    "shuffle": "(self, buffer_size, seed=None, reshuffle_each_iteration=True, name=None)",
    "repeat": "(self, count=None, name=None)",
    "take": "(self, count, name=None)",
    "skip": "(self, count, name=None)",
    "shard": "(self, num_shards, index, name=None)",
    "cache": "(self, filename='', name=None)",
    "prefetch": "(self, buffer_size, name=None)",
    "concatenate": "(self, dataset, name=None)",
    "enumerate": "(self, start=0, name=None)",
    "window": "(self, size, shift=None, stride=1, drop_remainder=False, name=None)",
    "cardinality": "(self)",
    "as_numpy_iterator": "(self)",
}


def ten():
    return Dataset.range(10)


def generated(count=10):
    return Dataset.from_generator(lambda: iter(range(count)), output_signature=TensorSpec((), np.int64))


def lists(plan):
    """The elements as nested lists."""

    def plain(element):
        if isinstance(element, tuple):
            return tuple(plain(part) for part in element)
        if isinstance(element, dict):
            return {key: plain(part) for key, part in element.items()}
        return np.asarray(element).tolist()

    return [plain(element) for element in plan]


@pytest.mark.parametrize("name", SIGNATURES)
def test_methods_have_the_arguments_of_tf_data(name):
    assert bare_signature(getattr(Dataset, name)) == SIGNATURES[name]


# For each transform: the cardinality tf.data reports after it for 10 elements, a generator of 10, 10 endlessly repeated, none.
CARDINALITIES = {
    "take 3": (lambda d: d.take(3), 3, UNKNOWN, 3, 0),
    "take 0": (lambda d: d.take(0), 0, UNKNOWN, 0, 0),
    "take all": (lambda d: d.take(-1), 10, UNKNOWN, INFINITE, 0),
    "take more than there is": (lambda d: d.take(20), 10, UNKNOWN, 20, 0),
    "skip 3": (lambda d: d.skip(3), 7, UNKNOWN, INFINITE, 0),
    "skip more than there is": (lambda d: d.skip(20), 0, UNKNOWN, INFINITE, 0),
    "repeat 0": (lambda d: d.repeat(0), 0, 0, 0, 0),
    "repeat 2": (lambda d: d.repeat(2), 20, UNKNOWN, INFINITE, 0),
    "repeat": (lambda d: d.repeat(), INFINITE, INFINITE, INFINITE, 0),
    "repeat -1": (lambda d: d.repeat(-1), INFINITE, INFINITE, INFINITE, 0),
    "batch 3": (lambda d: d.batch(3), 4, UNKNOWN, INFINITE, 0),
    "whole batches of 3": (lambda d: d.batch(3, drop_remainder=True), 3, UNKNOWN, INFINITE, 0),
    "padded batches of 4": (lambda d: d.padded_batch(4), 3, UNKNOWN, INFINITE, 0),
    "whole padded batches of 4": (lambda d: d.padded_batch(4, drop_remainder=True), 2, UNKNOWN, INFINITE, 0),
    "map": (lambda d: d.map(lambda x: x), 10, UNKNOWN, INFINITE, 0),
    "filter": (lambda d: d.filter(lambda x: True), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    "flat_map": (lambda d: d.flat_map(Dataset.from_tensors), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    "shard 1 of 3": (lambda d: d.shard(3, 1), 3, UNKNOWN, INFINITE, 0),
    "shard 0 of 3": (lambda d: d.shard(3, 0), 4, UNKNOWN, INFINITE, 0),
    "shuffle": (lambda d: d.shuffle(5), 10, UNKNOWN, INFINITE, 0),
    "cache": (lambda d: d.cache(), 10, UNKNOWN, INFINITE, 0),
    "prefetch": (lambda d: d.prefetch(pw.data.AUTOTUNE), 10, UNKNOWN, INFINITE, 0),
    "enumerate": (lambda d: d.enumerate(5), 10, UNKNOWN, INFINITE, 0),
    "concatenate 2": (lambda d: d.concatenate(Dataset.range(2)), 12, UNKNOWN, INFINITE, 2),
    "concatenate a generator": (lambda d: d.concatenate(generated()), UNKNOWN, UNKNOWN, INFINITE, UNKNOWN),
    "concatenate endless data": (lambda d: d.concatenate(ten().repeat()), INFINITE, INFINITE, INFINITE, INFINITE),
    "zip with 4": (lambda d: Dataset.zip(d, Dataset.range(4)), 4, UNKNOWN, 4, 0),
    "zip with endless data": (lambda d: Dataset.zip((d, ten().repeat())), 10, UNKNOWN, INFINITE, 0),
    "zip with a generator": (lambda d: Dataset.zip({"a": d, "b": generated()}), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    "windows of 3": (lambda d: d.window(3), 4, UNKNOWN, INFINITE, 0),
    "whole windows of 3": (lambda d: d.window(3, drop_remainder=True), 3, UNKNOWN, INFINITE, 0),
    "sliding whole windows of 3": (lambda d: d.window(3, 1, 2, True), 6, UNKNOWN, INFINITE, 0),
}


@pytest.mark.parametrize("name", CARDINALITIES)
def test_cardinality_after_a_transform_is_that_of_tf_data(name):
    transform, *expected = CARDINALITIES[name]
    sources = [ten(), generated(), ten().repeat(), Dataset.range(0)]
    assert [transform(d).cardinality() for d in sources] == expected


# window(size, shift, stride, drop_remainder) of the first n integers, as tf.data cuts it.
WINDOWS = [
    (7, (3, None, 1, False), [[0, 1, 2], [3, 4, 5], [6]]),
    (7, (3, None, 1, True), [[0, 1, 2], [3, 4, 5]]),
    (7, (3, 1, 1, False), [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6], [5, 6], [6]]),
    (7, (3, 1, 2, True), [[0, 2, 4], [1, 3, 5], [2, 4, 6]]),
    (7, (3, 1, 2, False), [[0, 2, 4], [1, 3, 5], [2, 4, 6], [3, 5], [4, 6], [5], [6]]),
    (7, (2, 5, 1, True), [[0, 1], [5, 6]]),
    (7, (3, 5, 2, False), [[0, 2, 4], [5]]),
    (10, (2, 5, 3, False), [[0, 3], [5, 8]]),
    (5, (4, 2, 3, False), [[0, 3], [2], [4]]),
    (5, (1, 3, 3, False), [[0], [3]]),
    (6, (2, 6, 2, False), [[0, 2]]),
    (7, (2, 1, 4, False), [[0, 4], [1, 5], [2, 6], [3], [4], [5], [6]]),
]


@pytest.mark.parametrize(("count", "arguments", "expected"), WINDOWS)
def test_windows_are_cut_as_in_tf_data(count, arguments, expected):
    plan = Dataset.range(count).window(*arguments)
    assert [lists(window) for window in plan] == expected
    assert len(plan) == len(expected)
    assert [len(window) for window in plan] == [len(window) for window in expected]


def test_windows_of_tuples_are_tuples_of_data_sets():
    plan = Dataset.from_tensor_slices(([1, 2, 3], [4, 5, 6])).window(2)
    joined = plan.flat_map(lambda a, b: Dataset.zip(a.batch(2), b.batch(2)))
    assert lists(joined) == [([1, 2], [4, 5]), ([3], [6])]


def test_windows_of_dicts_are_dicts_of_data_sets():
    first = next(iter(Dataset.from_tensor_slices({"a": [1, 2, 3]}).window(2)))
    assert lists(first["a"]) == [1, 2]


# (plan, shape and dtype of each part), as tf.data gives them.
SPECS = {
    "slices": (lambda: Dataset.from_tensor_slices(np.zeros((4, 2))), TensorSpec((2,), np.float64)),
    "one tensor": (lambda: Dataset.from_tensors(np.zeros((4, 2), np.int8)), TensorSpec((4, 2), np.int8)),
    "nested": (
        lambda: Dataset.from_tensor_slices({"a": np.zeros(3, "f4"), "b": (np.zeros(3, "f4"), np.zeros((3, 1), "i4"))}),
        {"a": TensorSpec((), "f4"), "b": (TensorSpec((), "f4"), TensorSpec((1,), "i4"))},
    ),
    "batch": (lambda: ten().batch(3), TensorSpec((None,), np.int64)),
    "whole batches": (lambda: ten().batch(3, drop_remainder=True), TensorSpec((3,), np.int64)),
    "batches of batches": (lambda: ten().batch(2).batch(2), TensorSpec((None, None), np.int64)),
    "unbatched": (lambda: ten().batch(3).unbatch(), TensorSpec((), np.int64)),
    "batches selected": (lambda: ten().batch(3).skip(1).take(2).shard(2, 0), TensorSpec((None,), np.int64)),
    "shuffled, repeated, cached": (lambda: ten().batch(3).shuffle(4).cache().repeat(2), TensorSpec((None,), np.int64)),
    "filtered": (lambda: ten().batch(3).filter(lambda x: True), TensorSpec((None,), np.int64)),
    "mapped": (lambda: ten().map(lambda x: (x, np.float32([x, x]))), (TensorSpec((), "i8"), TensorSpec((2,), "f4"))),
    "batches mapped": (lambda: ten().batch(3).map(lambda x: x * 0.5), TensorSpec((None,), np.float64)),
    "enumerated": (lambda: ten().batch(3).enumerate(), (TensorSpec((), "i8"), TensorSpec((None,), "i8"))),
    "zipped": (lambda: Dataset.zip(ten().batch(3), ten()), (TensorSpec((None,), "i8"), TensorSpec((), "i8"))),
    "generator": (lambda: generated().batch(2), TensorSpec((None,), np.int64)),
    "different batches joined": (
        lambda: ten().batch(3, drop_remainder=True).concatenate(ten().batch(4, drop_remainder=True)),
        TensorSpec((None,), np.int64),
    ),
    "padded": (
        lambda: Dataset.range(1, 4).map(lambda n: {"a": np.full(n, n), "b": n}).padded_batch(2, {"a": [5], "b": []}),
        {"a": TensorSpec((None, 5), np.int64), "b": TensorSpec((None,), np.int64)},
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_element_spec_is_that_of_tf_data(name):
    make, expected = SPECS[name]
    assert make().element_spec == expected


def test_asking_for_the_spec_uses_up_no_pass_of_a_shuffle():
    def make():
        return ten().shuffle(10, seed=4).map(lambda x: x + 1)

    asked, plain = make(), make()
    assert asked.element_spec == TensorSpec((), np.int64)
    assert lists(asked) == lists(plain)


def test_making_the_plan_asks_a_generator_for_nothing():
    def fail():
        raise AssertionError("the generator was called")

    plan = Dataset.from_generator(fail, output_signature=TensorSpec((None, 2), np.float32))
    assert plan.unbatch().batch(3).repeat().element_spec == TensorSpec((None, 2), np.float32)


def test_an_empty_plan_tells_what_its_functions_make_of_zeros():
    none = Dataset.range(3).filter(lambda x: False)
    assert none.map(lambda x: (x, 0.5)).element_spec == (TensorSpec((), "i8"), TensorSpec((), "f4"))
    assert none.batch(2).map(lambda x: x * 0.5).element_spec == TensorSpec((None,), "f8")
    assert none.flat_map(Dataset.range).element_spec == TensorSpec((), "i8")
    assert none.window(2).flat_map(lambda w: w.batch(2)).element_spec == TensorSpec((None,), "i8")
    assert Dataset.zip((none, generated(0))).enumerate().element_spec[1] == (TensorSpec((), "i8"),) * 2
    with pytest.raises(ValueError, match=r"zeros do not tell what the function makes of an element.*KeyError"):
        _ = none.map({5: 1}.__getitem__).element_spec


def test_windows_have_the_spec_of_their_elements():
    pairs = Dataset.from_tensor_slices(([1, 2, 3], [4.0, 5, 6])).window(2)
    assert pairs.element_spec == (DatasetSpec(TensorSpec((), "i4")), DatasetSpec(TensorSpec((), "f4")))
    assert next(iter(ten().batch(4).window(2))).element_spec == TensorSpec((None,), "i8")


def test_unbatching_batches_of_a_known_size_has_a_known_cardinality():
    assert ten().batch(2, drop_remainder=True).unbatch().cardinality() == 10
    assert ten().batch(3, drop_remainder=True).skip(1).repeat(2).unbatch().cardinality() == 12
    assert Dataset.from_tensor_slices((np.zeros((4, 3)), np.zeros((4, 3, 2)))).unbatch().cardinality() == 12
    assert Dataset.from_tensors(np.zeros((4, 3))).unbatch().unbatch().cardinality() == 12
    assert ten().batch(3).unbatch().cardinality() == UNKNOWN
    assert ten().batch(3).repeat().unbatch().cardinality() == INFINITE


# -- elements


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, "int32"),
        ([1, 2], "int32"),
        (2**40, "int64"),
        ([1, 2**40], "int64"),
        (0.5, "float32"),
        ([1, 2.5], "float32"),
        ([[0.5], [1.5]], "float32"),
        (True, "bool"),
        ([False], "bool"),
        ([], "float32"),
        (np.int64(1), "int64"),
        ([np.float64(1)], "float64"),
        (np.zeros(2), "float64"),
        ([np.zeros(2), np.zeros(2)], "float64"),
    ],
)
def test_numbers_of_python_have_the_dtypes_of_tf_data_and_those_of_numpy_their_own(value, dtype):
    assert Dataset.from_tensors(value).element_spec.dtype == dtype
    assert next(iter(Dataset.from_tensors((value,))))[0].dtype == dtype
    assert next(iter(ten().map(lambda x: (value,))))[0].dtype == dtype


def test_a_signature_says_the_dtype_whatever_numbers_come():
    plan = Dataset.from_generator(lambda: iter([0.1]), output_signature=TensorSpec((), np.float64))
    assert next(iter(plan)) == 0.1


def test_none_is_a_part_that_is_absent():
    plan = Dataset.from_tensor_slices((np.arange(4), None)).batch(2).map(lambda x, y: (x + 1, y))
    assert plan.element_spec == (TensorSpec((None,), "i8"), None)
    assert [(x.tolist(), y) for x, y in plan] == [([1, 2], None), ([3, 4], None)]
    assert next(iter(ten().map(lambda x: (x, None)).batch(2).cache().unbatch())) == (0, None)


@pytest.mark.parametrize("count", [-1, -2, -7])
def test_a_count_below_zero_is_all(count):
    assert lists(ten().take(count)) == list(range(10))
    assert lists(ten().skip(count)) == []
    assert ten().repeat(count).cardinality() == INFINITE
    assert (ten().take(count).cardinality(), ten().skip(count).cardinality()) == (10, 0)


def test_a_shuffle_of_unknown_cardinality_is_a_full_one():
    plan = generated()
    assert sorted(lists(plan.shuffle(plan.cardinality()))) == list(range(10))


def test_sources_give_the_elements_of_tf_data():
    assert lists(Dataset.range(2, 11, 3)) == [2, 5, 8]
    assert lists(Dataset.range(10, 0, -3)) == [10, 7, 4, 1]
    assert next(iter(Dataset.range(1, output_type=np.float32))).dtype == np.float32
    assert lists(Dataset.from_tensor_slices([[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    assert lists(Dataset.from_tensor_slices(([1, 2], [3, 4]))) == [(1, 3), (2, 4)]
    assert lists(Dataset.from_tensor_slices({"a": [1, 2], "b": ([5, 6],)})) == [
        {"a": 1, "b": (5,)},
        {"a": 2, "b": (6,)},
    ]
    assert lists(Dataset.from_tensors(([1, 2], 3))) == [([1, 2], 3)]
    assert list(ten().take(2).as_numpy_iterator()) == [0, 1]


@pytest.mark.parametrize("source", [ten, generated], ids=["rows", "stream"])
def test_batches_take_the_last_rows_or_drop_them(source):
    assert lists(source().batch(4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert lists(source().batch(4, drop_remainder=True)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert lists(source().batch(3).unbatch().batch(4, True)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert lists(source().repeat(2).batch(8)) == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 0, 1, 2, 3, 4, 5], [6, 7, 8, 9]]
    assert lists(source().batch(8).repeat(2)) == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9]] * 2


def test_unbatch_after_joining_plans_of_different_batches_gives_all_rows():
    plan = ten().batch(3).concatenate(ten().batch(4)).unbatch().batch(7)
    assert lists(plan) == [[0, 1, 2, 3, 4, 5, 6], [7, 8, 9, 0, 1, 2, 3], [4, 5, 6, 7, 8, 9]]


def test_map_spreads_a_tuple_and_a_returned_list_is_a_tuple():
    pairs = Dataset.from_tensor_slices(([1, 2], [3, 4]))
    assert lists(pairs.map(lambda a, b: a + b)) == [4, 6]
    assert lists(ten().take(2).map(lambda x: [x, 2 * x])) == [(0, 0), (1, 2)]
    assert lists(ten().take(2).map(lambda x: ([x, 2 * x], x))) == [([0, 0], 0), ([1, 2], 1)]
    assert lists(ten().take(1).map(lambda x: {"a": x})) == [{"a": 0}]


def test_filter_keeps_what_the_predicate_holds_for():
    assert lists(ten().filter(lambda x: x % 3 == 0)) == [0, 3, 6, 9]
    assert lists(Dataset.from_tensor_slices(([1, 2], [3, 4])).filter(lambda a, b: a > 1)) == [(2, 4)]


def test_flat_map_joins_the_data_sets():
    assert lists(Dataset.range(4).flat_map(Dataset.range)) == [0, 0, 1, 0, 1, 2]


def test_enumerate_counts_from_its_start():
    assert lists(Dataset.from_tensor_slices(([7, 8], [5, 6])).enumerate(-2)) == [(-2, (7, 5)), (-1, (8, 6))]


def test_zip_ends_with_the_shortest():
    assert lists(Dataset.zip(ten(), generated(2))) == [(0, 0), (1, 1)]
    assert lists(Dataset.zip({"a": ten(), "b": Dataset.range(5, 7)})) == [{"a": 0, "b": 5}, {"a": 1, "b": 6}]
    assert lists(Dataset.zip(datasets=(ten().take(1),))) == [(0,)]
    assert lists(Dataset.zip(ten().take(2))) == lists(Dataset.zip(datasets=ten().take(2))) == [0, 1]
    assert lists(Dataset.zip(Dataset.range(2), Dataset.range(3, 5))) == [(0, 3), (1, 4)]


def ragged():
    return Dataset.range(1, 4).map(lambda n: np.full(n, n))


def test_padded_batches_reach_the_longest_or_the_given_shape():
    assert lists(ragged().padded_batch(2)) == [[[1, 0], [2, 2]], [[3, 3, 3]]]
    assert lists(ragged().padded_batch(2, padded_shapes=[4], padding_values=-1)) == [
        [[1, -1, -1, -1], [2, 2, -1, -1]],
        [[3, 3, 3, -1]],
    ]
    assert lists(ragged().padded_batch(2, drop_remainder=True)) == [[[1, 0], [2, 2]]]
    pairs = ragged().map(lambda row: (row, row[0]))
    assert lists(pairs.padded_batch(2, ([None], []), (9, None))) == [([[1, 9], [2, 2]], [1, 2]), ([[3, 3, 3]], [3])]
    tables = Dataset.range(1, 3).map(lambda n: np.full((n, 1), n))
    assert lists(tables.padded_batch(2, (None, 2))) == [[[[1, 0], [0, 0]], [[2, 0], [2, 0]]]]
    words = Dataset.range(1, 3).map(lambda n: np.array(["ab", "c"][:n]))
    assert lists(words.padded_batch(2)) == [[["ab", ""], ["ab", "c"]]]


def test_windows_of_ragged_elements_can_be_padded():
    windows = ragged().window(2)
    assert [lists(window) for window in windows] == [[[1], [2, 2]], [[3, 3, 3]]]
    assert lists(windows.flat_map(lambda w: w.padded_batch(2))) == [[[1, 0], [2, 2]], [[3, 3, 3]]]
    pairs = ragged().map(lambda row: {"row": row, "first": (row[0],)}).window(2)
    joined = pairs.flat_map(lambda w: Dataset.zip((w["row"], *w["first"])).padded_batch(2))
    assert lists(joined) == [([[1, 0], [2, 2]], [1, 2]), ([[3, 3, 3]], [3])]
    listed = Dataset.from_generator(lambda: iter([[1], [1, 2]])).window(2)
    assert lists(listed.flat_map(lambda w: w.padded_batch(2))) == [[[1, 0], [1, 2]]]


def test_padding_is_any_number_that_the_dtype_can_hold():
    assert lists(ragged().map(lambda x: x * 0.5).padded_batch(2, padding_values=-1))[0] == [[0.5, -1], [1, 1]]
    assert lists(ragged().map(lambda x: x.astype(np.uint8)).padded_batch(2, padding_values=255))[0] == [
        [1, 255],
        [2, 2],
    ]


def test_a_generator_is_called_anew_for_each_pass_with_its_arguments():
    calls = []

    def count(n):
        calls.append(n)
        yield from range(n)

    plan = Dataset.from_generator(count, args=(3,), output_signature=TensorSpec((), np.int32))
    assert calls == []
    assert lists(plan.repeat(2)) == [0, 1, 2, 0, 1, 2]
    assert calls == [3, 3]
    assert next(iter(plan)).dtype == np.int32


def test_a_signature_may_come_in_types_and_shapes_or_from_another_library():
    class Foreign:
        shape, dtype = (2,), type("DType", (), {"as_numpy_dtype": np.float32})()

    def pairs():
        yield [1, 2], 3

    old = Dataset.from_generator(pairs, output_types=(np.float32, np.int32), output_shapes=((2,), ()))
    new = Dataset.from_generator(pairs, output_signature=(Foreign(), TensorSpec((), np.int32)))
    assert old.element_spec == new.element_spec == (TensorSpec((2,), "f4"), TensorSpec((), "i4"))
    assert [part.dtype for part in next(iter(old))] == [np.float32, np.int32]
    assert Dataset.from_generator(pairs, (np.float32, np.int32)).element_spec[0].shape is None


def test_cache_computes_each_element_once_and_keeps_a_shuffled_order():
    seen = []
    plan = ten().map(lambda x: seen.append(int(x)) or x).cache()
    assert lists(plan) == lists(plan.repeat(2))[10:] == list(range(10))
    assert seen == list(range(10))
    for shuffled in (ten().shuffle(10), ten().shuffle(10).batch(3), ten().map(lambda x: x).shuffle(10)):
        cached = shuffled.cache()
        assert lists(cached) == lists(cached)


def test_a_pass_that_stops_early_does_not_fill_the_cache():
    plan = ten().map(lambda x: x).cache()
    iterator = iter(plan)
    next(iterator)
    assert lists(plan) == list(range(10))


def test_a_plan_is_true_even_when_it_is_empty():
    assert Dataset.range(0)
    assert len(Dataset.range(0)) == 0


# -- a model of plain lists


def cut(items, size, drop):
    groups = [items[i : i + size] for i in range(0, len(items), size)]
    return [g for g in groups if len(g) == size or not drop]


SMALL = st.integers(1, 5)
STEPS = st.one_of(
    st.tuples(st.just("take"), st.integers(-1, 12)),
    st.tuples(st.just("skip"), st.integers(-1, 6)),
    st.tuples(st.just("shard"), st.integers(0, 2)),
    st.tuples(st.just("repeat"), st.integers(0, 3)),
    st.tuples(st.just("batch"), SMALL, st.booleans()),
    st.tuples(st.just("unbatch")),
    st.tuples(st.just("map")),
    st.tuples(st.just("filter")),
    st.tuples(st.just("flat_map")),
    st.tuples(st.just("again")),
    st.tuples(st.just("window"), SMALL, SMALL, st.integers(1, 3), st.booleans()),
    st.tuples(st.just("cache")),
    st.tuples(st.just("prefetch")),
)


def apply(plan, items, step):
    """The step on a plan and on a list of its elements (integers, or lists of them); as it was where it does not fit."""
    name, *a = step
    batched = plan.element_spec.shape != () if items else None
    if name in ("take", "skip", "repeat"):
        count = len(items) if a[0] == -1 else a[0]
        model = {"take": items[:count], "skip": items[count:], "repeat": items * a[0]}[name]
        return (plan, items) if (name, a[0]) == ("repeat", -1) else (getattr(plan, name)(a[0]), model)
    if name == "shard":
        return plan.shard(3, a[0]), items[a[0] :: 3]
    if name == "map":
        return plan.map(lambda x: x), items
    if name in ("cache", "prefetch"):
        return (plan.cache() if name == "cache" else plan.prefetch(2)), items
    if name == "again":
        return plan.concatenate(plan), items + items
    if batched is None or batched != (name == "unbatch"):
        return plan, items
    if name == "unbatch":
        return plan.unbatch(), [row for item in items for row in item]
    if name == "batch":
        return plan.batch(*a), cut(items, *a)
    if name == "filter":
        return plan.filter(lambda x: x % 2 == 0), [x for x in items if x % 2 == 0]
    if name == "flat_map":
        return plan.flat_map(lambda x: Dataset.range(x % 3)), [i for x in items for i in range(x % 3)]
    size, shift, stride, drop = a
    spans = [items[i : i + (size - 1) * stride + 1] for i in range(0, len(items), shift)]
    model = [s[::stride] for s in spans if len(s) == (size - 1) * stride + 1 or not drop]
    return plan.window(*a).flat_map(lambda w: w.batch(size)), model


@given(st.sampled_from([ten, generated]), st.lists(STEPS, max_size=5))
@settings(max_examples=200, deadline=None)
def test_any_chain_of_transforms_does_what_it_does_to_a_list(source, steps):
    plan, items = source(), list(range(10))
    for step in steps:
        plan, items = apply(plan, items, step)
    assert lists(plan) == items
    assert lists(plan) == items
    assert plan.cardinality() in (len(items), UNKNOWN)
    unsure = {"filter", "flat_map", "window", "unbatch"}
    if source is ten and not unsure & {step[0] for step in steps}:
        assert len(plan) == len(items)


# -- shuffle


@given(
    st.sampled_from([Dataset.range, generated, lambda n: Dataset.range(n).batch(1)]),
    st.integers(0, 60),
    st.integers(1, 70),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_a_shuffle_is_a_permutation_that_reaches_no_further_than_its_buffer(source, count, buffer_size, seed):
    order = np.ravel(lists(source(count).shuffle(buffer_size, seed=seed))).astype(int)
    assert sorted(order) == list(range(count))
    assert (order < np.arange(count) + buffer_size).all()


@pytest.mark.parametrize("source", [Dataset.range, generated], ids=["rows", "stream"])
def test_the_first_element_of_a_shuffle_is_any_of_the_buffer_alike(source):
    plan = source(8).shuffle(4, seed=1)
    firsts = np.bincount([next(iter(plan)) for _ in range(800)], minlength=8)
    assert (firsts[4:] == 0).all()
    assert (np.abs(firsts[:4] - 200) < 60).all()  # five standard deviations of a fair draw


@pytest.mark.parametrize("source", [Dataset.range, generated], ids=["rows", "stream"])
def test_a_seed_repeats_and_each_pass_has_its_own_order_unless_told(source):
    def passes(**options):
        plan = source(30).shuffle(30, **options)
        return [lists(plan) for _ in range(3)]

    again = passes(seed=5)
    assert again == passes(seed=5) != passes(seed=6)
    assert len({tuple(p) for p in again}) == 3
    for seed in (5, None):
        assert len({tuple(p) for p in passes(seed=seed, reshuffle_each_iteration=False)}) == 1


def test_the_global_seed_repeats_an_unseeded_shuffle_whatever_is_drawn_before_its_first_pass():
    def order(seed, draws=0):
        pw.set_random_seed(seed)
        plan = Dataset.range(30).shuffle(30)
        for _ in range(draws):
            pw.random.fresh_seed()
        return lists(plan)

    assert order(3) == order(3, draws=2) != order(4)


def test_shuffle_before_repeat_ends_each_epoch_before_the_next_and_after_it_mixes_them():
    before = lists(Dataset.range(20).shuffle(20, seed=2).repeat(2))
    assert sorted(before[:20]) == sorted(before[20:]) == list(range(20))
    assert before[:20] != before[20:]
    same = lists(Dataset.range(20).shuffle(20, seed=2, reshuffle_each_iteration=False).repeat(2))
    assert same[:20] == same[20:]
    after = lists(Dataset.range(20).repeat(2).shuffle(40, seed=2))
    assert sorted(after) == sorted([*range(20), *range(20)])
    assert sorted(after[:20]) != list(range(20))


def test_shuffled_batches_move_as_a_whole():
    plan = ten().batch(3).shuffle(4, seed=1)
    assert sorted(lists(plan)) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


# -- errors

ERRORS = {
    "batch of none": (lambda: ten().batch(0), ValueError, "batch_size must be a positive integer; got 0"),
    "batch of words": (lambda: ten().batch("a"), ValueError, "batch_size must be a positive integer; got 'a'"),
    "batch of a fraction": (lambda: ten().batch(2.0), ValueError, "batch_size must be a positive integer; got 2.0"),
    "no buffer": (lambda: ten().shuffle(0), ValueError, "buffer_size must be a positive integer; got 0"),
    "shard outside": (lambda: ten().shard(2, 2), ValueError, r"shard's index must be in \[0, 2\); got 2"),
    "no shards": (lambda: ten().shard(0, 0), ValueError, "num_shards must be a positive integer; got 0"),
    "no window": (lambda: ten().window(0), ValueError, "size must be a positive integer; got 0"),
    "no shift": (lambda: ten().window(2, 0), ValueError, "shift must be a positive integer; got 0"),
    "take a half": (lambda: ten().take(0.5), ValueError, r"count must be an integer \(below 0: all\); got 0\.5"),
    "range of fractions": (lambda: Dataset.range(5.5), ValueError, r"takes integers, the step not 0; got 5\.5"),
    "range of no step": (lambda: Dataset.range(0, 5, 0), ValueError, "takes integers, the step not 0; got 0, 5, 0"),
    "empty range": (lambda: Dataset.range(), ValueError, "Dataset.range takes 1 to 3 numbers"),
    "slices of a scalar": (lambda: Dataset.from_tensor_slices((3,)), ValueError, r"tensors\[0\] is a scalar"),
    "slices of different lengths": (
        lambda: Dataset.from_tensor_slices({"a": [1, 2], "b": [1, 2, 3]}),
        ValueError,
        r"tensors\['a'\] has 2 rows \(shape \(2,\)\) and tensors\['b'\] has 3 \(shape \(3,\)\)",
    ),
    "a list for a generator": (
        lambda: Dataset.from_generator([1]),
        TypeError,
        "takes a function that returns an iterator",
    ),
    "zip of numbers": (lambda: Dataset.zip(1, 2), TypeError, "Dataset.zip takes data sets; got int"),
    "concatenate a list": (lambda: ten().concatenate([1]), TypeError, "concatenate takes a Dataset; got list"),
    "concatenate another structure": (
        lambda: ten().concatenate(Dataset.from_tensors((1, 2))).element_spec,
        TypeError,
        "different structures: one array and a tuple of 2",
    ),
    "concatenate another structure, told when the plan is made": (
        lambda: ten().concatenate(Dataset.from_tensors((1, 2))),
        TypeError,
        "different structures: one array and a tuple of 2",
    ),
    "concatenate other keys": (
        lambda: Dataset.from_tensors({"a": 1}).concatenate(Dataset.from_tensors({"b": 1})),
        TypeError,
        r"different structures: a dict of \['a'\] and a dict of \['b'\]",
    ),
    "concatenate another dtype": (
        lambda: ten().concatenate(Dataset.from_tensors(1)),
        TypeError,
        "different dtypes: int64 and int32. Map one of them",
    ),
    "concatenate what a map makes": (
        lambda: list(ten().concatenate(ten().map(lambda x: (x, x)))),
        TypeError,
        "different structures: one array and a tuple of 2",
    ),
    "concatenate another dtype that a map makes": (
        lambda: list(ten().concatenate(ten().map(lambda x: x * 0.5))),
        TypeError,
        "different dtypes: int64 and float64",
    ),
    "a fraction as padding of integers": (
        lambda: ten().padded_batch(2, padding_values=0.5),
        TypeError,
        r"padded_batch cannot fill up int64 with 0\.5, which is no int64",
    ),
    "a fraction as padding of what a map makes": (
        lambda: list(ragged().padded_batch(2, padding_values=0.5)),
        TypeError,
        r"cannot fill up int64 with 0\.5",
    ),
    "padding too large": (
        lambda: list(ragged().map(lambda x: x.astype(np.uint8)).padded_batch(2, padding_values=256)),
        TypeError,
        "cannot fill up uint8 with 256",
    ),
    "a word as padding": (
        lambda: ten().padded_batch(2, padding_values="a"),
        TypeError,
        "cannot fill up int64 with 'a'",
    ),
    "a predicate that returns a number": (
        lambda: list(ten().filter(lambda x: x % 2)),
        ValueError,
        r"must return a boolean; it returned .*0.* \(int64\)\. Compare it with something",
    ),
    "slices of nothing": (lambda: Dataset.from_tensor_slices(()), ValueError, "needs arrays; it was given none"),
    "ragged lists": (
        lambda: Dataset.from_tensor_slices([[1, 2], [3]]),
        ValueError,
        r"Lists of different lengths make no array\. Fill them up to one length",
    ),
    "a generator of ragged lists": (
        lambda: list(Dataset.from_generator(lambda: [[[1, 2], [3]]])),
        ValueError,
        r"Lists of different lengths make no array",
    ),
    "zip of nothing": (lambda: Dataset.zip(()), TypeError, r"Dataset.zip takes data sets; got \(\)"),
    "cache in a file": (lambda: ten().cache("file"), ValueError, "the cache is kept in memory"),
    "len of a generator": (lambda: len(generated()), TypeError, "of unknown length: it has no len"),
    "len of endless data": (lambda: len(ten().repeat()), TypeError, "endless: it has no len"),
    "spec of nothing": (
        lambda: Dataset.from_generator(lambda: iter(())).map(abs).element_spec,
        ValueError,
        "The data set is empty",
    ),
    "ragged batch": (
        lambda: list(ragged().batch(2)),
        ValueError,
        r"different shapes: \(1,\) and \(2,\). Use padded_batch",
    ),
    "unbatch scalars": (lambda: ten().unbatch(), ValueError, "a part of an element is a scalar"),
    "unbatch mapped scalars": (lambda: list(ten().map(abs).unbatch()), ValueError, "a part of an element is a scalar"),
    "unbatch parts of different lengths": (
        lambda: list(Dataset.from_tensors(([1, 2], [1, 2, 3])).unbatch()),
        ValueError,
        r"parts of one length in each element; got the shapes \[\(2,\), \(3,\)\]",
    ),
    "predicate of a batch": (
        lambda: list(ten().batch(5).filter(lambda x: x > 2)),
        ValueError,
        r"must return one boolean for an element; it returned an array of shape \(5,\). Filter before batching",
    ),
    "flat_map to arrays": (
        lambda: list(ten().flat_map(lambda x: x)),
        TypeError,
        "flat_map's function must return a Dataset; got int64",
    ),
    "larger than the padded shape": (
        lambda: list(ragged().padded_batch(3, [2])),
        ValueError,
        r"an element has shape \(3,\), more than \(2,\)",
    ),
    "padded shape of another rank": (
        lambda: list(ragged().padded_batch(3, [2, 2])),
        ValueError,
        r"the padded shape \[2, 2\] must have one rank",
    ),
    "generator of another dtype": (
        lambda: list(Dataset.from_generator(lambda: [1.5], output_signature=TensorSpec((), np.int32))),
        TypeError,
        "an element of the generator has dtype float64, but its signature says int32",
    ),
    "generator of another shape": (
        lambda: list(Dataset.from_generator(lambda: [([1, 2],)], output_signature=(TensorSpec((3,), np.int32),))),
        ValueError,
        r"an element\[0\] of the generator has shape \(2,\), but its signature says \(3,\)",
    ),
    "generator of another structure": (
        lambda: list(Dataset.from_generator(lambda: [(1, 2)], output_signature={"a": TensorSpec(())})),
        TypeError,
        r"The generator yielded a tuple of 2, but its signature says a dict of \['a'\]",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_was_given_and_what_is_expected(name):
    act, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        act()
