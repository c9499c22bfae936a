"""TensorBoard reads what is written for it, and Orbax what is saved with it."""

import sys

import numpy as np
import pytest

import phasewise as pw

X, Y = np.ones((20, 4), "float32"), np.ones((20, 2), "float32")


def model():
    x = pw.Input((4,), name="rows")
    h = pw.layers.BatchNormalization(name="norm")(x)
    made = pw.Model(x, pw.layers.Add(name="sum")([pw.layers.Dense(2, name="a")(h), pw.layers.Dense(2, name="b")(h)]))
    made.compile("adam", "mse")
    return made


@pytest.mark.parametrize("package, make", [
    ("tensorboard", lambda folder: pw.callbacks.TensorBoard(folder)),
    ("orbax-checkpoint", lambda folder: pw.callbacks.OrbaxCheckpoint(folder)),
])  # fmt: skip
def test_a_package_that_is_missing_is_named(package, make, tmp_path, monkeypatch):
    for name in ("tensorboard", "tensorboard.compat.proto", "orbax", "orbax.checkpoint"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        ImportError, match=f"needs the package {package}, which is not installed: pip install phasewise"
    ):
        model().fit(X, Y, verbose=0, callbacks=[make(tmp_path)])


def test_tensorboard_reads_scalars_histograms_and_graph(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.util import tensor_util

    board = pw.callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq=2, write_steps_per_second=True)
    history = model().fit(X, Y, batch_size=5, epochs=2, validation_data=(X, Y), verbose=0, callbacks=[board]).history

    def read(folder):
        return accumulator.EventAccumulator(str(tmp_path / folder), size_guidance={"tensors": 0}).Reload()

    def values(events, name):
        return [float(tensor_util.make_ndarray(event.tensor_proto)) for event in events.Tensors(name)]

    train, validation = read("train"), read("validation")
    np.testing.assert_allclose(values(train, "epoch_loss"), history["loss"], rtol=1e-6)
    np.testing.assert_allclose(values(validation, "epoch_loss"), history["val_loss"], rtol=1e-6)
    assert [event.step for event in train.Tensors("batch_loss")] == [0, 2, 4, 6]
    assert {"norm/moving_mean/histogram", "a/kernel/histogram", "epoch_steps_per_second"} <= set(
        train.Tags()["tensors"]
    )
    nodes = {node.name: list(node.input) for node in train.Graph().node}
    assert nodes == {"rows": [], "norm": ["rows"], "a": ["norm"], "b": ["norm"], "sum": ["a", "b"]}


def test_orbax_restores_the_latest_checkpoint(tmp_path):
    orbax = pytest.importorskip("orbax.checkpoint")
    made = model()
    made.fit(X, Y, epochs=3, verbose=0, callbacks=[pw.callbacks.OrbaxCheckpoint(tmp_path / "o", max_to_keep=1)])
    manager = orbax.CheckpointManager(tmp_path / "o")
    assert manager.all_steps() == [2]
    stored = manager.restore(2, args=orbax.args.StandardRestore())
    for number, weight in enumerate(made.get_weights()):
        np.testing.assert_array_equal(stored["weights"][str(number)], weight)
