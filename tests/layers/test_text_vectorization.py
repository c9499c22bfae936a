"""TextVectorization: sentences to rows of word numbers.

Expected vocabularies and places were recorded from Keras 3.15.1 on TensorFlow 2.21, which the layer needs there.
"""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise.core.registry import register_serializable
from phasewise.layers import TextVectorization

TEXTS = ["The cat sat. The cat!", "a Dog, a dog's", "", "tab\tand  two\nlines  cat é É"]


def adapted(**arguments):
    layer = TextVectorization(**arguments)
    layer.adapt(TEXTS)
    return layer


@pytest.mark.parametrize(
    ("arguments", "vocabulary"),
    [
        ({}, "cat the a é É two tab sat lines dogs dog and"),
        ({"max_tokens": 4}, "cat the"),
        ({"standardize": None}, "cat a The é É two tab sat. lines dog's cat! and Dog,"),
        ({"standardize": "lower"}, "the cat a é É two tab sat. lines dog, dog's cat! and"),
        ({"standardize": "strip_punctuation"}, "cat a The é É two tab sat lines dogs and Dog"),
    ],
)
def test_words_are_ranked_as_in_keras(arguments, vocabulary):
    assert adapted(**arguments).get_vocabulary() == ["", "[UNK]", *vocabulary.split()]
    assert adapted(**arguments).get_vocabulary(include_special_tokens=False) == vocabulary.split()


@pytest.mark.parametrize(
    ("arguments", "first", "last"),
    [
        ({}, [3, 2, 9, 3, 2, 0, 0], [8, 13, 7, 10, 2, 5, 6]),
        ({"max_tokens": 4}, [3, 2, 1, 3, 2, 0, 0], [1, 1, 1, 1, 2, 1, 1]),
        ({"output_sequence_length": 3}, [3, 2, 9], [8, 13, 7]),
        ({"ngrams": 2}, [4, 2, 14, 4, 2, 3, 21, 13, 3, 0, 0, 0, 0], [12, 23, 10, 16, 2, 7, 8, 11, 22, 9, 15, 20, 6]),
        ({"ngrams": (2,)}, [2, 10, 6, 2, 0, 0], [5, 11, 4, 7, 9, 3]),
        ({"ngrams": (1, 3)}, [3, 2, 13, 3, 2, 9, 20, 12, 0, 0, 0, 0], [11, 22, 8, 15, 2, 5, 6, 10, 21, 7, 14, 19]),
        (
            {"split": "character", "output_sequence_length": 9},
            [3, 11, 7, 2, 9, 4, 3, 2, 5],
            [3, 4, 18, 20, 4, 10, 8, 2, 2],
        ),
        ({"split": None}, [2], [3]),
    ],
)
def test_texts_have_the_places_that_keras_gives_them(arguments, first, last):
    layer = adapted(**arguments)
    for texts in (TEXTS, np.array(TEXTS)[:, None], np.array([text.encode() for text in TEXTS])):
        places = layer(texts)
        np.testing.assert_array_equal(places[0], first)
        np.testing.assert_array_equal(places[3], last)
        assert not places[2].any()


def test_texts_become_vectors_as_in_keras():
    multi_hot = adapted(output_mode="multi_hot")
    assert multi_hot.get_vocabulary()[0] == "[UNK]"
    np.testing.assert_array_equal(multi_hot(TEXTS)[0], [0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    counts = adapted(output_mode="count", max_tokens=20, pad_to_max_tokens=True)(TEXTS)
    np.testing.assert_array_equal(counts[1], [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 1] + [0] * 8)
    weighted = adapted(output_mode="tf_idf", max_tokens=6)
    expected = [
        [1.0483495, 1.6945957, 2.1972246, 0, 0, 0],
        [2.096699, 0, 0, 2.1972246, 0, 0],
        [0] * 6,
        [4.193398, 0.84729785, 0, 0, 1.0986123, 1.0986123],
    ]
    np.testing.assert_allclose(weighted(TEXTS), expected, rtol=1e-6)
    assert weighted("the cat").shape == (6,)


def test_one_text_gives_one_row():
    np.testing.assert_array_equal(adapted()("the cat zebra"), [3, 2, 1])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab .,Z\t", max_size=12), min_size=1, max_size=8), st.integers(1, 5))
def test_places_name_the_words_of_the_text(texts, length):
    layer = TextVectorization(output_sequence_length=length)
    layer.adapt([*texts, "x"])
    names = layer.get_vocabulary()
    for text, row in zip(texts, layer(texts)):
        words = "".join(c for c in text.lower() if c not in ".,").split()
        assert [names[place] for place in row] == (words + [""] * length)[:length]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text("ab c", min_size=1, max_size=9), min_size=1, max_size=12), st.integers(1, 5))
def test_adapt_does_not_depend_on_how_the_data_are_cut(texts, size):
    texts = [*texts, "a"]
    whole, cut = TextVectorization(output_mode="tf_idf"), TextVectorization(output_mode="tf_idf")
    whole.adapt(texts)
    cut.adapt(pw.Dataset.from_tensor_slices(texts).batch(size))
    assert cut.get_vocabulary() == whole.get_vocabulary()
    np.testing.assert_array_equal(cut(texts), whole(texts))


@register_serializable("tests")
def without_digits(texts):
    return np.strings.replace(texts, "1", "")


@register_serializable("tests")
def at_bars(texts):
    return [text.split("|") for text in texts]


def test_functions_of_a_users_own_standardize_and_split():
    layer = TextVectorization(standardize=without_digits, split=at_bars, vocabulary=["a b", "c"])
    np.testing.assert_array_equal(layer(["a b|1c", "c"]), [[2, 3], [3, 0]])
    again = TextVectorization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(["a b|1c", "c"]), [[2, 3], [3, 0]])


def test_it_is_made_again_from_its_config_and_from_that_of_keras():
    # As Keras 3.15.1 writes it.
    theirs = {
        "name": "texts",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "max_tokens": 10,
        "standardize": "lower_and_strip_punctuation",
        "split": "whitespace",
        "ngrams": [1, 2],
        "output_mode": "int",
        "output_sequence_length": 4,
        "pad_to_max_tokens": False,
        "sparse": False,
        "ragged": False,
        "vocabulary": ["a", "b"],
        "idf_weights": None,
        "encoding": "utf-8",
        "vocabulary_size": 4,
    }
    layer = TextVectorization.from_config(theirs)
    assert {**layer.get_config(), "dtype": None, "ngrams": None} == {**theirs, "dtype": None, "ngrams": None}
    assert TextVectorization.from_config(layer.get_config()).get_config() == layer.get_config()
    np.testing.assert_array_equal(layer(["a b"]), [[2, 3, 1, 0]])


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_keeps_the_vocabulary_that_was_adapted(again):
    np.testing.assert_array_equal(again(adapted())(TEXTS), adapted()(TEXTS))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: TextVectorization(standardize="lowr"), "standardize is one of .*got 'lowr'. Did you mean 'lower'"),
        (lambda: TextVectorization(split="words"), "TextVectorization's split is one of"),
        (lambda: TextVectorization(ngrams=0), "ngrams is a positive integer, or a tuple of them; got 0"),
        (lambda: TextVectorization(ngrams=(1, "2")), "ngrams is a positive integer, or a tuple of them"),
        (lambda: TextVectorization(ragged=True), "ragged=True is not supported.*mask_zero=True"),
        (lambda: TextVectorization(sparse=True, output_mode="count"), "TextVectorization's sparse=True is not supported"),
        (lambda: TextVectorization(output_sequence_length=0), "output_sequence_length must be a positive integer; got 0"),
        (lambda: TextVectorization(output_mode="count", output_sequence_length=3), "output_sequence_length is for output_mode='int'"),
        (lambda: TextVectorization(vocabulary=["a"], name="t")([["a", "b"]]), r"TextVectorization 't' takes texts of shape .*got shape \(1, 2\)"),
        (lambda: TextVectorization(vocabulary=["a"]).adapt(["b"]), "was made with its vocabulary"),
        (lambda: TextVectorization(vocabulary=["a"])(np.array([b"\xff"])), "bytes that are no utf-8"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(made, message):
    with pytest.raises(ValueError, match=message):
        made()


def test_without_a_vocabulary_it_says_what_to_do():
    with pytest.raises(
        RuntimeError, match=r"TextVectorization 'texts' has no vocabulary yet. Call layer.adapt\(data\)"
    ):
        TextVectorization(name="texts")(["a"])
