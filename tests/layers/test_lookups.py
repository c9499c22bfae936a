"""StringLookup and IntegerLookup: places in a vocabulary, and back.

Expected places, vocabularies and weights were recorded from Keras 3.15.1 on TensorFlow 2.21, which these layers need there.
"""

import copy
import itertools
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise.layers import IntegerLookup, StringLookup

WORDS = ["b", "a", "c", "a", "b", "", "[UNK]", "zz"]
ASKED = ["a", "b", "new", "other", "third", "", "[UNK]", "?"]
NUMBERS = np.array([12, 5, 7, 7, 5, 5, -1, 100, 0])
ASKED_NUMBERS = np.array([5, 7, 12, -1, 0, 44, 45, -46])


@pytest.mark.parametrize(
    ("arguments", "vocabulary", "places"),
    [
        ({}, ["[UNK]", "b", "a", "zz", "c", ""], [2, 1, 0, 0, 0, 5, 0, 0]),
        (
            {"num_oov_indices": 3},
            ["[UNK]", "[UNK]", "[UNK]", "b", "a", "zz", "c", ""],
            [4, 3, 0, 2, 2, 7, 0, 2],
        ),
        ({"mask_token": ""}, ["", "[UNK]", "b", "a", "zz", "c"], [3, 2, 1, 1, 1, 0, 1, 1]),
        ({"max_tokens": 3}, ["[UNK]", "b", "a"], [2, 1, 0, 0, 0, 0, 0, 0]),
        (
            {"max_tokens": 4, "num_oov_indices": 2, "mask_token": "zz"},
            ["zz", "[UNK]", "[UNK]", "b"],
            [2, 3, 2, 1, 2, 2, 1, 2],
        ),
        (
            {"salt": [3, 4], "num_oov_indices": 5},
            ["[UNK]"] * 5 + ["b", "a", "zz", "c", ""],
            [6, 5, 4, 1, 2, 9, 4, 4],
        ),
        ({"oov_token": "?"}, ["?", "b", "a", "zz", "c", "[UNK]", ""], [2, 1, 0, 0, 0, 6, 5, 0]),
    ],
)
def test_words_have_the_places_that_keras_gives_them(arguments, vocabulary, places):
    layer = StringLookup(**arguments)
    layer.adapt(WORDS)
    assert layer.get_vocabulary() == vocabulary
    assert layer.vocabulary_size() == len(vocabulary)
    np.testing.assert_array_equal(layer(ASKED), places)
    np.testing.assert_array_equal(layer(np.array(ASKED)[:, None])[:, 0], places)
    np.testing.assert_array_equal(layer(np.array([word.encode() for word in ASKED])), places)


@pytest.mark.parametrize(
    ("arguments", "vocabulary", "places"),
    [
        ({}, [-1, 5, 7, 100, 12, 0], [1, 2, 4, 0, 5, 0, 0, 0]),
        ({"num_oov_indices": 3}, [-1, -1, -1, 5, 7, 100, 12, 0], [3, 4, 6, 2, 7, 2, 0, 2]),
        ({"mask_token": 0, "oov_token": -2}, [0, -2, 5, 7, 100, 12, -1], [2, 3, 5, 6, 0, 1, 1, 1]),
        ({"max_tokens": 3}, [-1, 5, 7], [1, 2, 0, 0, 0, 0, 0, 0]),
        (
            {"num_oov_indices": 3, "oov_method": "farmhash"},
            [-1, -1, -1, 5, 7, 100, 12, 0],
            [3, 4, 6, 0, 7, 1, 2, 1],
        ),
        (
            {"num_oov_indices": 5, "oov_method": "farmhash", "salt": 7},
            [-1] * 5 + [5, 7, 100, 12, 0],
            [5, 6, 8, 2, 9, 2, 4, 0],
        ),
    ],
)
def test_integers_have_the_places_that_keras_gives_them(arguments, vocabulary, places):
    layer = IntegerLookup(**arguments)
    layer.adapt(NUMBERS)
    assert layer.get_vocabulary() == vocabulary
    np.testing.assert_array_equal(layer(ASKED_NUMBERS), places)


def test_rows_become_vectors_as_in_keras():
    rows = [["a", "a"], ["b", "new"]]

    def vectors(**arguments):
        layer = StringLookup(**arguments)
        layer.adapt(WORDS)
        return layer(rows)

    one_hot = vectors(output_mode="one_hot")
    assert one_hot.shape == (2, 2, 6)
    np.testing.assert_array_equal(one_hot.argmax(-1), [[2, 2], [1, 0]])
    np.testing.assert_array_equal(vectors(output_mode="count", mask_token=""), [[0, 0, 2, 0, 0], [1, 1, 0, 0, 0]])
    padded = vectors(output_mode="multi_hot", max_tokens=10, pad_to_max_tokens=True)
    np.testing.assert_array_equal(padded, [[0, 0, 1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]])
    weighted = vectors(output_mode="tf_idf", mask_token="")
    np.testing.assert_allclose(weighted, [[0, 0, 2.598566, 0, 0], [1.4543605, 1.299283, 0, 0, 0]], rtol=1e-6)


def test_weights_that_are_given_count():
    layer = IntegerLookup(vocabulary=[3, 9], output_mode="tf_idf", idf_weights=[0.5, 0.25])
    np.testing.assert_array_equal(layer([[3, 3, 9, 4]]), [[0.375, 1.0, 0.25]])  # Keras: the mean for what is unknown
    np.testing.assert_array_equal(layer.idf_weights, np.float32([0.375, 0.5, 0.25]))


def test_the_inverse_gives_tokens():
    layer = StringLookup(vocabulary=["a", "b"], invert=True, mask_token="", num_oov_indices=2)
    np.testing.assert_array_equal(layer([[0, 1, 2, 3, 4, 5, -1]]), [["", "[UNK]", "[UNK]", "a", "b", "[UNK]", "[UNK]"]])
    layer = IntegerLookup(vocabulary=[3, 9], invert=True, mask_token=0)
    np.testing.assert_array_equal(layer([0, 1, 2, 3, 7]), [0, -1, 3, 9, -1])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(), min_size=1, unique=True), st.integers(1, 3))
def test_known_words_come_back_from_their_places(words, unknown):
    words = [word for word in words if word != "[UNK]"] or ["x"]
    there = StringLookup(vocabulary=words, num_oov_indices=unknown)
    back = StringLookup(vocabulary=words, num_oov_indices=unknown, invert=True)
    assert back(there(words)).tolist() == words
    assert there.get_vocabulary(include_special_tokens=False) == words


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, unique=True))
def test_known_integers_of_64_bits_come_back_from_their_places(numbers):
    numbers = [number for number in numbers if number != -1] or [2**40]
    there, back = IntegerLookup(vocabulary=numbers), IntegerLookup(vocabulary=numbers, invert=True)
    assert back(there(np.array(numbers))).tolist() == numbers


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from("abcdé"), min_size=1, max_size=30), st.integers(1, 7))
def test_adapt_does_not_depend_on_how_the_data_are_cut(words, size):
    whole, cut = StringLookup(), StringLookup()
    whole.adapt(words)
    cut.adapt(pw.Dataset.from_tensor_slices(words).batch(size))
    assert cut.get_vocabulary() == whole.get_vocabulary()
    counts = {word: words.count(word) for word in words}
    assert whole.get_vocabulary()[1:] == sorted(counts, key=lambda word: (counts[word], word), reverse=True)


def test_adapt_takes_any_source_and_forgets_what_came_before():
    sources = [
        WORDS,
        np.array(WORDS, object),
        np.array(WORDS).reshape(4, 2),
        pw.Dataset.from_tensor_slices(WORDS),
        pw.Dataset.from_tensor_slices((WORDS, np.arange(8))).batch(3),
        iter([np.array(WORDS[:3]), np.array(WORDS[3:])]),
        [np.array(WORDS[:3]), np.array(WORDS[3:])],
    ]
    layer = StringLookup()
    for source in sources:
        layer.adapt(source)
        assert layer.get_vocabulary() == ["[UNK]", "b", "a", "zz", "c", ""]
    layer.adapt(["q"])
    assert layer.get_vocabulary() == ["[UNK]", "q"]
    layer.adapt(pw.Dataset.from_tensor_slices(WORDS).repeat().batch(4), steps=1)
    assert layer.get_vocabulary() == ["[UNK]", "a", "c", "b"]


def test_a_vocabulary_may_be_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("alpha\nbêta\n", encoding="utf-8")
    assert StringLookup(vocabulary=str(path)).get_vocabulary() == ["[UNK]", "alpha", "bêta"]
    path.write_text("30\n4\n")
    assert IntegerLookup(vocabulary=str(path)).get_vocabulary() == [-1, 30, 4]
    with pytest.raises(ValueError, match=r"IntegerLookup '\w+' cannot read its vocabulary.*no file 'nowhere.txt'"):
        IntegerLookup(vocabulary="nowhere.txt")
    with pytest.raises(ValueError, match=r"StringLookup '\w+' cannot find its vocabulary.*no file 'nowhere.txt'"):
        StringLookup(vocabulary="nowhere.txt")


def test_special_tokens_may_stand_before_the_others():
    layer = StringLookup(vocabulary=["", "[UNK]", "a"], mask_token="")
    assert layer.get_vocabulary() == ["", "[UNK]", "a"]


def test_a_lookup_is_made_again_from_its_config_and_from_that_of_keras():
    # As Keras 3.15.1 writes it.
    theirs = {
        "name": "words",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "invert": False,
        "max_tokens": None,
        "num_oov_indices": 1,
        "oov_token": "[UNK]",
        "mask_token": None,
        "output_mode": "int",
        "sparse": False,
        "pad_to_max_tokens": False,
        "idf_weights": None,
        "vocabulary": ["a", "b"],
        "vocabulary_size": 3,
        "oov_method": "floormod",
        "salt": None,
        "encoding": "utf-8",
    }
    layer = StringLookup.from_config(theirs)
    assert {**layer.get_config(), "dtype": None} == {**theirs, "dtype": None}
    assert StringLookup.from_config(layer.get_config()).get_config() == layer.get_config()
    number = IntegerLookup(vocabulary=[3, 9], mask_token=0, salt=3, oov_method="farmhash", num_oov_indices=2)
    assert IntegerLookup.from_config(number.get_config()).get_config() == number.get_config()


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_keeps_the_vocabulary_that_was_adapted(again):
    layer = StringLookup(output_mode="tf_idf")
    layer.adapt(WORDS)
    made = again(layer)
    assert made.get_vocabulary() == layer.get_vocabulary()
    np.testing.assert_array_equal(made([["a", "q"]]), layer([["a", "q"]]))


def test_an_integer_lookup_behind_compiled_layers_is_compiled_and_follows_its_vocabulary():
    x = pw.Input((4,))
    scores = pw.layers.Dense(4, use_bias=False, kernel_initializer="identity")(x)
    found = pw.layers.Lambda(lambda x: x.argmax(-1))(scores)
    for arguments in ({}, {"mask_token": 3}, {"num_oov_indices": 2}, {"output_mode": "one_hot"}):
        layer = IntegerLookup(vocabulary=[2, 1], **arguments)
        model = pw.Model(x, layer(found))
        assert not model.runs_on_host
        rows = np.eye(4)
        np.testing.assert_array_equal(model.predict(rows, verbose=0), layer(np.arange(4)))
        layer.set_vocabulary([0, 2])
        np.testing.assert_array_equal(model.predict(rows, verbose=0), layer(np.arange(4)))
    wide = IntegerLookup(vocabulary=[2**32 + 3, 1, -(2**40)])
    np.testing.assert_array_equal(pw.Model(x, wide(found)).predict(np.eye(4), verbose=0), wide(np.arange(4)))
    wider = IntegerLookup(vocabulary=[2**32 + 3])
    np.testing.assert_array_equal(pw.Model(x, wider(found)).predict(np.eye(4), verbose=0), [0, 0, 0, 0])
    with pytest.raises(ValueError, match="has the token 4294967299, of more than 32 bits"):
        pw.Model(x, IntegerLookup(vocabulary=[2**32 + 3], invert=True)(found)).predict(np.eye(4), verbose=0)
    back = IntegerLookup(vocabulary=[7, 9], invert=True)
    np.testing.assert_array_equal(pw.Model(x, back(found)).predict(np.eye(4), verbose=0), [-1, 7, 9, -1])


def test_a_lookup_without_a_vocabulary_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"StringLookup 'words' has no vocabulary yet. Call layer.adapt\(data\) or"):
        StringLookup(name="words")(["a"])
    with pytest.raises(RuntimeError, match=r"IntegerLookup 'ids' has no vocabulary yet"):
        IntegerLookup(name="ids")([1])
    with pytest.raises(RuntimeError, match=r"StringLookup 'words' has no vocabulary yet"):  # the shape depends on it
        StringLookup(name="words", output_mode="count")(pw.Input((2,), dtype="string"))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: StringLookup(max_tokens=1), "StringLookup's max_tokens must be an integer of at least 2; got 1"),
        (lambda: StringLookup(num_oov_indices=-1), "num_oov_indices must be an integer of at least 0; got -1"),
        (lambda: StringLookup(output_mode="counts"), "output_mode is one of .*got 'counts'. Did you mean 'count'"),
        (lambda: StringLookup(pad_to_max_tokens=True), "pad_to_max_tokens=True needs max_tokens"),
        (lambda: StringLookup(invert=True, output_mode="count"), "invert=True turns ids into tokens"),
        (lambda: StringLookup(sparse=True, output_mode="count"), "sparse=True is not supported: arrays here"),
        (lambda: StringLookup(vocabulary=["a", "b", "a"], name="w"), "StringLookup 'w' was given a vocabulary in which 'a' occurs more"),
        (lambda: StringLookup(vocabulary=["a", ""], mask_token=""), r"with the special token '' in it.*\['', '\[UNK\]'\]"),
        (lambda: StringLookup(vocabulary=["a", "[UNK]"], invert=True), "with the special token '.UNK.' in it"),
        (lambda: StringLookup(vocabulary=["a", "b"], max_tokens=2), "max_tokens=2; the vocabulary with 1 special tokens has 3"),
        (lambda: StringLookup(vocabulary=[]), "an empty vocabulary"),
        (lambda: StringLookup(vocabulary=["a"], output_mode="tf_idf"), "vocabulary needs idf_weights beside it"),
        (lambda: StringLookup(idf_weights=[1.0]), "idf_weights are for output_mode='tf_idf'"),
        (lambda: StringLookup(vocabulary=["a"], output_mode="tf_idf", idf_weights=[1, 2]), r"for each of the 1 tokens; got shape \(2,\)"),
        (lambda: StringLookup(salt=[1, 2, 3]), "salt is an integer, or a list of two"),
        (lambda: IntegerLookup(salt=3), "salt is for oov_method='farmhash'"),
        (lambda: IntegerLookup(vocabulary_dtype="int32"), "vocabulary_dtype is 'int64'; got 'int32'"),
        (lambda: StringLookup(vocabulary=["a"]).adapt(["b"]), "was made with its vocabulary: there is nothing to adapt"),
        (lambda: StringLookup().adapt(np.array([], object)), "empty|hold no token"),
        (lambda: StringLookup().adapt(pw.Dataset.from_tensor_slices(["a"]).repeat()), "these never end"),
        (lambda: StringLookup().adapt({"a": np.array(["b"])}), "adapts to one array a batch; got a dict of a"),
        (lambda: StringLookup(vocabulary=["a"], num_oov_indices=0)(["a", "b"]), "num_oov_indices=0.*'b' is not"),
        (lambda: StringLookup(vocabulary=["a"])([["a", "b"], ["c"]]), "Lists of different lengths make no array of strings"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(made, message):
    with pytest.raises(ValueError, match=message):
        made()


def test_entries_of_the_wrong_kind_are_refused_with_their_place():
    layer = StringLookup(vocabulary=["a"], name="words")
    with pytest.raises(TypeError, match=r"StringLookup 'words' expects strings; got nan of type float at entry 1"):
        layer(np.array(["a", float("nan")], object))
    with pytest.raises(
        TypeError, match=re.escape("StringLookup 'words' expects strings; got 1 of type int at entry 0")
    ):
        layer(np.array([1, 2]))
    with pytest.raises(TypeError, match=r"IntegerLookup 'ids' takes integers; got an array of dtype float64"):
        IntegerLookup(vocabulary=[1], name="ids")(np.array([1.5]))
    with pytest.raises(TypeError, match=r"has invert=True and takes ids"):
        StringLookup(vocabulary=["a"], invert=True)(["a"])


def test_a_large_vocabulary_is_looked_up_in_time_that_grows_with_the_words_alone():
    """Places of 100,000 tokens: a search through the vocabulary for each would take hours."""
    words = list(map("".join, itertools.islice(itertools.product("abcdefghij", repeat=5), 100_000)))
    layer = StringLookup(vocabulary=words)
    np.testing.assert_array_equal(layer(words), np.arange(1, 100_001))
    numbers = IntegerLookup(vocabulary=np.arange(100_000)[::-1])
    np.testing.assert_array_equal(numbers(np.arange(100_000)), np.arange(100_000, 0, -1))
