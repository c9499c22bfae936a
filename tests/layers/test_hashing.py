"""Hashing and HashedCrossing: the buckets of Keras, on every machine.

Expected buckets and hashes were recorded from Keras 3.15.1 on TensorFlow 2.21, which these layers need there.
"""

import numpy as np
import pytest

import phasewise as pw
from phasewise.kernels.fingerprint import fingerprint64
from phasewise.kernels.keyed_hash import siphash64
from phasewise.layers import HashedCrossing, Hashing

LETTERS = np.array([["A"], ["B"], ["C"], ["D"], ["E"]])


def test_siphash_is_that_of_its_paper():
    """The test vector of appendix A: 15 bytes under the key 00 01 ... 0f."""
    key = np.frombuffer(bytes(range(16)), "<u8")
    assert siphash64([bytes(range(15))], key)[0] == 0xA129CA6149BE45E5


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, 1936946117179621456),
        (1, 3694432073954588132),
        (3, 2004840233751307574),
        (4, 5528922684421584422),
        (7, 686727908113791824),
        (8, 6543444422848464795),
        (16, 2249583350125684237),
        (17, 1845620549846662752),
        (32, 2255012403268352045),
        (33, 6726419021239398522),
        (64, 2456753668776654807),
        (65, 7190357926259325413),
        (128, 1832093462322679105),
        (129, 4394663714525346960),
        (200, 2788748817886253408),
    ],
)
def test_fingerprints_are_farmhash(length, expected):
    """Of strings of each length that has an arithmetic of its own; modulo 2**63 - 1, as TensorFlow gives them."""
    text = bytes(97 + i * i % 26 for i in range(length))
    assert fingerprint64([b"other", text, text[:3]])[1] % np.uint64(2**63 - 1) == expected


@pytest.mark.parametrize(
    ("arguments", "inputs", "buckets"),
    [
        ({"num_bins": 3}, LETTERS, [1, 0, 1, 1, 2]),
        ({"num_bins": 3, "mask_value": ""}, [["A"], ["B"], [""], ["C"], ["D"]], [1, 1, 0, 2, 2]),
        ({"num_bins": 3, "salt": [133, 137]}, LETTERS, [1, 2, 1, 0, 2]),
        ({"num_bins": 3, "salt": 133}, LETTERS, [0, 0, 2, 1, 0]),
        ({"num_bins": 10}, [[1], [-2], [3], [400000]], [9, 5, 1, 3]),
        ({"num_bins": 10}, [[1.7], [-2.2]], [9, 5]),
        ({"num_bins": 10, "mask_value": 3}, [[1], [-2], [3], [4]], [1, 2, 0, 3]),
        ({"num_bins": 1, "mask_value": "A"}, [["A"], ["B"]], [0, 0]),
    ],
)
def test_entries_have_the_buckets_that_keras_gives_them(arguments, inputs, buckets):
    found = Hashing(**arguments)(inputs)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found[:, 0], buckets)


def test_rows_become_vectors_as_in_keras():
    rows = [["A", "B", "A"], ["B", "C", "D"]]
    one_hot = Hashing(4, output_mode="one_hot")(rows)
    np.testing.assert_array_equal(one_hot.argmax(-1), [[0, 0, 0], [0, 3, 3]])
    np.testing.assert_array_equal(Hashing(4, output_mode="multi_hot")(rows), [[1, 0, 0, 0], [1, 0, 0, 1]])
    np.testing.assert_array_equal(Hashing(4, output_mode="count")(rows), [[3, 0, 0, 0], [1, 0, 0, 2]])
    assert Hashing(4, output_mode="one_hot")(LETTERS).shape == (5, 4)


def test_crossings_have_the_buckets_that_keras_gives_them():
    letters, numbers = np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102])
    np.testing.assert_array_equal(HashedCrossing(5)((letters, numbers)), [1, 4, 1, 1, 3])
    np.testing.assert_array_equal(HashedCrossing(10)((letters[:2, None], numbers[:2, None])), [[1], [4]])
    np.testing.assert_array_equal(HashedCrossing(10)((letters[:2], np.array([1, 2]), np.array([5, 6]))), [5, 3])
    np.testing.assert_array_equal(HashedCrossing(1000)((np.array([2**40, -7]), np.array([1, 2]))), [537, 49])
    assert HashedCrossing(10)(("A", np.array(101))) == 1
    vectors = HashedCrossing(5, output_mode="one_hot")((letters, numbers))
    np.testing.assert_array_equal(vectors, np.eye(5)[[1, 4, 1, 1, 3]])


@pytest.mark.parametrize(
    "layer",
    [Hashing(5, mask_value="x", salt=3, output_mode="count"), Hashing(5, dtype="int64"), HashedCrossing(4, "one_hot")],
)
def test_it_is_made_again_from_its_config(layer):
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Hashing(0), ValueError, "Hashing's num_bins must be a positive integer; got 0"),
        (lambda: Hashing(3, salt="x"), ValueError, "Hashing's salt is an integer, or a list of two; got 'x'"),
        (lambda: Hashing(3, output_mode="tf_idf"), ValueError, "output_mode is one of"),
        (lambda: Hashing(3, name="h")([True]), TypeError, "Hashing 'h' takes strings or integers; got an array of dtype bool"),
        (lambda: Hashing(3, mask_value="")([1, 2]), TypeError, "has mask_value='' and was given numbers"),
        (lambda: HashedCrossing(3, name="c")([np.array([1])]), ValueError, "HashedCrossing 'c' takes a list or tuple of at least two inputs; got 1"),
        (lambda: HashedCrossing(3)(np.array([1])), ValueError, "at least two inputs; got a ndarray"),
        (lambda: HashedCrossing(3)([np.ones(2, int), np.ones(3, int)]), ValueError, r"inputs of one shape; got \(2,\), \(3,\)"),
        (lambda: HashedCrossing(3)([np.ones((2, 2), int)] * 2), ValueError, r"\(batch,\) or \(batch, 1\); got \(2, 2\)"),
        (lambda: HashedCrossing(3)([np.ones(2), np.ones(2)]), TypeError, "integers or strings; got an array of dtype float64"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_it_says_that_it_is_no_part_of_a_compiled_program():
    class Block(pw.layers.Layer):
        def __init__(self):
            super().__init__()
            self.hashing = Hashing(3, name="inside")

        def call(self, inputs):
            return self.hashing(inputs)

    x = pw.Input((1,), dtype="int32")
    with pytest.raises(
        TypeError, match=r"Layer 'inside' \(Hashing\) runs on the host, and was called inside a compiled"
    ):
        pw.Model(x, Block()(x))
