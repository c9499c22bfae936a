"""A model as a SavedModel: TensorFlow serves what predict computes; without TensorFlow the error says so."""

import importlib.util
import sys

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers


def model():
    chain = [
        layers.Conv2D(4, 3),
        layers.BatchNormalization(),
        layers.GlobalMaxPooling2D(),
        layers.Dense(3, name="scores"),
    ]
    return pw.Sequential([pw.Input((None, None, 2), name="image"), *chain])


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="pip install tensorflow")
def test_tensorflow_serves_what_predict_computes(tmp_path):
    import tensorflow

    made, x = model(), np.random.default_rng(0).normal(size=(5, 9, 8, 2)).astype("float32")
    made.export(tmp_path / "served", verbose=False)
    loaded, wanted = tensorflow.saved_model.load(tmp_path / "served"), made.predict(x, verbose=0)
    np.testing.assert_allclose(loaded.serve(x), wanted, rtol=1e-5, atol=1e-6)
    named = loaded.signatures["serving_default"](image=tensorflow.constant(x))
    np.testing.assert_allclose(named["scores"], wanted, rtol=1e-5, atol=1e-6)


def test_without_tensorflow_the_error_names_it_and_other_ways(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"needs TensorFlow, which is not installed here.*'stablehlo' \(JAX alone\)"):
        model().export(tmp_path / "served")
    assert not list(tmp_path.iterdir())


def test_what_is_at_the_path_and_is_no_saved_model_is_kept(tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "thesis.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="is no SavedModel, so it is not replaced"):
        model().export(tmp_path / "served")
    assert (tmp_path / "served" / "thesis.txt").read_text() == "dear"
