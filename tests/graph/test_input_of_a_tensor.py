"""Input(tensor=...): a model that begins at a tensor of another one's graph."""

import keras
import numpy as np
import pytest

import phasewise as pw

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def in_two(library):
    """A network, and the part of it behind its first layer, which begins at the tensor between."""
    x = library.Input((3,), name="x")
    between = library.layers.Dense(2, name="a")(x)
    out = library.layers.Dense(1, name="b")(between)
    whole, first = library.Model(x, out), library.Model(x, between)
    return whole, first, library.Model(library.Input(tensor=between), out)


@pytest.mark.parametrize("library", [pw, keras], ids=["ours", "keras"])
def test_the_part_behind_a_tensor_is_a_model(library):
    whole, first, rest = in_two(library)
    np.testing.assert_allclose(
        rest.predict(first.predict(X, verbose=0), verbose=0), whole.predict(X, verbose=0), rtol=1e-5
    )
    assert len(rest.weights) == 2


def test_it_is_the_tensor_itself_where_what_is_given_beside_it_holds_for_it():
    x = pw.Input((3,), name="x")
    assert pw.Input(tensor=x) is x
    assert pw.Input(shape=[3], dtype="float32", name="x", tensor=x) is x
    assert pw.Input(batch_shape=(None, 3), tensor=x) is x


@pytest.mark.parametrize(
    "beside, said",
    [
        ({"shape": (4,)}, r"a tensor whose shape is \(3,\), and shape=\(4,\): leave the latter out"),
        ({"batch_size": 2}, "a tensor whose batch_size is None, and batch_size=2"),
        ({"dtype": "int32"}, "a tensor whose dtype is 'float32', and dtype='int32'"),
        ({"name": "other"}, "a tensor whose name is 'x', and name='other'"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_what_does_not_hold_for_it_is_told(beside, said):
    x = pw.Input((3,), name="x")
    with pytest.raises(ValueError, match=said):
        pw.Input(tensor=x, **beside)


def test_an_array_is_told():
    with pytest.raises(
        ValueError, match=r"Input's tensor is symbolic, .*; got ndarray\. Arrays are given to the model: model\(x\)"
    ):
        pw.Input(tensor=X)
