"""A file put together from its skeleton is the one that HDF5 itself writes."""

import h5py
import ml_dtypes
import numpy as np
import pytest

import phasewise as pw
from phasewise.files import weights_file
from phasewise.files.skeleton import Group, fill, filled

KINDS = {
    "float32": np.arange(6, dtype="float32").reshape(2, 3),
    "transposed": np.arange(6, dtype="float32").reshape(2, 3).T,
    "big_endian": np.arange(6, dtype=">f8"),
    "bfloat16": np.arange(6).astype(ml_dtypes.bfloat16),
    "boolean": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "scalar": np.asarray(7),
    "empty": np.zeros((0, 3), "int32"),
    "bytes": np.array([b"one", b"seven"]),
    "strings": np.array(["one", "seven"], object),
}


@pytest.mark.parametrize("kinds", [[name] for name in KINDS] + [list(KINDS), []], ids="-".join)
def test_every_kind_of_array_is_read_back_however_often_the_skeleton_was_used(kinds, tmp_path):
    for times in (1, 3):
        arrays = {name: KINDS[name] * times if KINDS[name].dtype.kind in "fi" else KINDS[name] for name in kinds}
        groups = [Group("vars", "model", {}), Group("layers/dense/vars", "first", arrays)]
        (tmp_path / "ours.h5").write_bytes(filled(groups))
        with h5py.File(tmp_path / "theirs.h5", "w") as file:
            fill(file, groups)
        with h5py.File(tmp_path / "ours.h5") as ours, h5py.File(tmp_path / "theirs.h5") as theirs:
            assert ours["layers/dense/vars"].attrs["name"] == "first"
            assert set(ours["layers/dense/vars"]) == set(theirs["layers/dense/vars"]) == set(kinds)
            for name in kinds:
                a, b = ours["layers/dense/vars"][name], theirs["layers/dense/vars"][name]
                assert (a.dtype, dict(a.attrs)) == (b.dtype, dict(b.attrs))
                np.testing.assert_array_equal(a[()], b[()])


def test_a_large_model_is_written_as_a_small_one_is(tmp_path, monkeypatch):
    model = pw.Sequential([pw.Input((4,)), pw.layers.BatchNormalization(), pw.layers.Dense(30)])
    model.save_weights(tmp_path / "small.weights.h5")
    monkeypatch.setattr(weights_file, "SMALL_BYTES", 0)
    assert weights_file.content(model) is None
    model.save_weights(tmp_path / "large.weights.h5")
    small, large = (h5py.File(tmp_path / f"{name}.weights.h5") for name in ("small", "large"))
    names = []
    small.visit(names.append)
    with small, large:
        for name in names:
            assert dict(small[name].attrs) == dict(large[name].attrs)
            if hasattr(small[name], "shape"):
                np.testing.assert_array_equal(small[name][()], large[name][()])
