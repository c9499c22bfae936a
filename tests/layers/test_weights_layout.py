"""Each layer's weights stand in a file where Keras has them."""

import h5py
import jax
import keras
import numpy as np
import pytest
from test_parity import TABLE, made, marked

import phasewise as pw
from parity import called, inputs_of


def datasets(path):
    """dict from the path of each array in a file to its shape."""
    found = {}

    def look(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item.shape

    with h5py.File(path) as file:
        file.visititems(look)
    return found


def assert_same_values(path, other):
    """Two files hold the same arrays."""
    with h5py.File(path) as a, h5py.File(other) as b:
        for name in datasets(path):
            np.testing.assert_array_equal(a[name][()], b[name][()], err_msg=name)


def around(library, name, arguments, x):
    """A model of one layer."""
    inputs = jax.tree.map(lambda a: library.Input(a.shape[1:], dtype=str(a.dtype)), x)
    return library.Model(inputs, called(made(library, name, arguments), inputs))


@pytest.mark.parametrize("name, arguments, shapes", marked(TABLE), ids=lambda v: v if isinstance(v, str) else None)
@pytest.mark.few(20)
def test_layer_is_written_where_keras_reads_it(name, arguments, shapes, tmp_path):
    x = inputs_of(shapes)
    ours, theirs = (around(library, name, arguments, x) for library in (pw, keras))
    for weight in ours.weights:
        weight.assign(np.random.default_rng(1).uniform(0.5, 1.5, weight.shape))
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    assert datasets(tmp_path / "ours.weights.h5") == datasets(tmp_path / "theirs.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    assert_same_values(tmp_path / "ours.weights.h5", tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    ours.save_weights(tmp_path / "again.weights.h5")
    assert_same_values(tmp_path / "ours.weights.h5", tmp_path / "again.weights.h5")
