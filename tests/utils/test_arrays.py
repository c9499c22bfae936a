"""Helpers that take and give arrays: class matrices, norms, padded sequences, batches, names of dtypes."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw

U, K = pw.utils, keras.utils


@pytest.mark.parametrize("x", [[0, 2, 1], [[1], [0]], [[0, 1], [2, 3]], 3, np.array([1.0, 0.0])])
@pytest.mark.parametrize("num_classes", [None, 5])
def test_to_categorical_agrees_with_keras(x, num_classes):
    ours, theirs = U.to_categorical(x, num_classes), K.to_categorical(x, num_classes)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_to_categorical_of_a_jax_array_is_one_also_inside_a_compiled_function():
    x = jnp.array([[0], [2]])
    expected = [[1, 0, 0], [0, 0, 1]]
    assert isinstance(U.to_categorical(x), jax.Array)
    np.testing.assert_array_equal(U.to_categorical(x), expected)
    np.testing.assert_array_equal(jax.jit(lambda x: U.to_categorical(x, 3))(x), expected)
    with pytest.raises(ValueError, match="needs num_classes: the numbers are not known there"):
        jax.jit(U.to_categorical)(x)


@pytest.mark.parametrize(
    ("x", "count", "message"),
    [
        ([0, -1], 3, r"class numbers from 0 to 2; got -1"),
        ([0, 3], 3, r"class numbers from 0 to 2; got 3"),
        ([0.5], 3, r"whole numbers; got 0.5"),
        ([np.nan], 3, r"whole numbers; got nan"),
        ([], None, r"no class numbers: say how many classes"),
        (["cat"], None, r"got an array of dtype <U3. Number the classes first"),
        ([0], 0, r"num_classes must be a positive integer; got 0"),
    ],
)
def test_to_categorical_refuses_what_is_no_class(x, count, message):
    with pytest.raises(ValueError, match=message):
        U.to_categorical(x, count)


@pytest.mark.parametrize("order", [1, 2, np.inf])
@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("library", [np, jnp])
def test_normalize_gives_vectors_of_norm_one_along_the_axis(axis, order, library):
    x = library.asarray(np.random.default_rng(0).normal(size=(3, 3, 3)).astype("float32"))
    y = U.normalize(x, axis, order)
    assert type(y) is type(x)
    np.testing.assert_allclose(np.linalg.norm(y, order, axis), np.ones((3, 3)), rtol=1e-6)
    np.testing.assert_array_equal(np.sign(y), np.sign(x))


def test_normalize_agrees_with_keras_and_leaves_zeros():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_array_equal(U.normalize(x), [[0.6, 0.8], [0, 0]])
    np.testing.assert_array_equal(U.normalize(x), K.normalize(x))
    np.testing.assert_allclose(U.normalize(x, axis=None), x / 5)


RAGGED = [[1, 2, 3, 4], [5], [], [6, 7]]


@pytest.mark.parametrize("maxlen", [None, 0, 2, 6])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_pad_sequences_agrees_with_keras(maxlen, padding, truncating):
    settings = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": 9, "dtype": "float32"}
    ours = U.pad_sequences(RAGGED, **settings)
    assert ours.dtype == np.float32
    if maxlen == 0:  # where Keras keeps all of a sequence
        assert ours.shape == (4, 0)
    else:
        np.testing.assert_array_equal(ours, K.pad_sequences(RAGGED, **settings))


def test_pad_sequences_of_vectors_and_of_words():
    vectors = [np.ones((2, 3)), np.ones((1, 3))]
    np.testing.assert_array_equal(U.pad_sequences(vectors), K.pad_sequences(vectors))
    words = [["a", "bc"], ["d"]]
    ours = U.pad_sequences(words, dtype=object, value="-", padding="post")
    assert ours.tolist() == [["a", "bc"], ["d", "-"]]
    assert U.pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"sequences": [[0.5]]},
            r"dtype int32 cannot hold 0.5 in sequence 0. Pass a dtype that can, .* dtype='float32'",
        ),
        ({"sequences": [[300]], "dtype": "uint8"}, r"dtype uint8 cannot hold 300 in sequence 0"),
        ({"sequences": [[1]], "value": -0.5}, r"cannot hold -0.5 in value"),
        ({"sequences": [[1], 2]}, r"list of sequences; its entry 1 is 2"),
        ({"sequences": 3}, r"takes a list of sequences; got int"),
        ({"sequences": [[1]], "padding": "Post"}, r"padding is one of 'pre', 'post'; got 'Post'. Did you mean 'post'"),
        ({"sequences": [[1]], "maxlen": -1}, r"maxlen must be an integer of at least 0; got -1"),
        ({"sequences": [["a"]], "value": "x"}, r"dtype 'int32' cannot hold the value 'x'. Pass dtype=object"),
        (
            {"sequences": [[[1, 2]], [[1, 2, 3]]]},
            r"Sequence 1 has entries of shape \(3,\), and those before it of shape \(2,\)",
        ),
    ],
)
def test_pad_sequences_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        U.pad_sequences(**arguments)


@pytest.mark.parametrize("batch", [("x",), ("x", "y"), ("x", "y", "w"), (["a", "b"],), (("a", "b"), "y")])
def test_batches_are_packed_and_unpacked_as_in_keras(batch):
    packed = U.pack_x_y_sample_weight(*batch)
    assert packed == K.pack_x_y_sample_weight(*batch)
    assert U.unpack_x_y_sample_weight(packed) == K.unpack_x_y_sample_weight(packed)


def test_what_is_no_batch_is_refused():
    with pytest.raises(ValueError, match=r"A batch is x, \(x, y\) or \(x, y, sample_weight\); got a tuple of 4"):
        U.unpack_x_y_sample_weight((1, 2, 3, 4))
    with pytest.raises(ValueError, match="`sample_weight` was given without `y`"):
        U.pack_x_y_sample_weight(1, None, 2)


DTYPES = [
    None,
    "float32",
    int,
    float,
    bool,
    str,
    "int",
    np.float64,
    np.dtype("int8"),
    jnp.bfloat16,
    np.uint16,
    "string",
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_dtype_has_the_name_that_keras_gives_it(dtype):
    assert U.standardize_dtype(dtype) == keras.backend.standardize_dtype(dtype)


@pytest.mark.parametrize("dtype", ["flaot32", object, 3])
def test_what_is_no_dtype_is_refused(dtype):
    with pytest.raises(ValueError, match=r"is no dtype. Known: bool, uint8"):
        U.standardize_dtype(dtype)
