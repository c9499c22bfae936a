"""Weights spread over several files: exchange with Keras both ways, sets that are not whole, and a disk that takes no more."""

import json
import os
import resource

import h5py
import keras
import numpy as np
import pytest

import phasewise as pw

KILOBYTE = 1024 / 2**30


def network(library, units=8):
    layers = library.layers
    x = library.Input((4,))
    h = layers.BatchNormalization()(layers.Dense(units)(x))
    inner = library.Sequential([layers.Dense(units, activation="tanh"), layers.Dropout(0.5)])
    return library.Model(x, layers.Dense(2)(inner(h)))


def randomized(model, seed=1):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape).astype("float32") for w in model.weights])
    return model


def assert_same(a, b):
    for first, second in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("size", [0.26 * KILOBYTE, 0.4 * KILOBYTE, 1.0])
def test_a_set_goes_to_keras_and_comes_back(size, tmp_path):
    ours, theirs = randomized(network(pw)), network(keras)
    for model in (ours, theirs):
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
    ours.save_weights(tmp_path / "ours.weights.json", max_shard_size=size)
    theirs.load_weights(tmp_path / "ours.weights.json")
    assert_same(ours, theirs)

    for number, kept in enumerate(randomized(theirs, 2).optimizer.variables):
        kept.assign(np.full(kept.shape, number))
    theirs.save_weights(tmp_path / "theirs.weights.json", max_shard_size=size)
    ours.load_weights(tmp_path / "theirs.weights.json")
    assert_same(ours, theirs)
    for a, b in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_no_file_has_more_than_was_asked_for_and_together_they_have_all(tmp_path):
    network(pw).save_weights(tmp_path / "x.weights.json", max_shard_size=0.26 * KILOBYTE)
    model, sizes = network(pw), []
    for name in sorted(set(os.listdir(tmp_path)) - {"x.weights.json"}):
        with h5py.File(tmp_path / name) as file:
            sizes.append(0)
            file.visititems(lambda _, item: sizes.append(sizes.pop() + getattr(item, "nbytes", 0)))
    assert len(sizes) == 4
    assert max(sizes) <= 0.26 * 1024
    index = json.loads((tmp_path / "x.weights.json").read_text())
    assert index["metadata"]["total_size"] == sum(sizes) == sum(w.nbytes for w in model.get_weights())


def test_the_ending_h5_becomes_that_of_an_index(tmp_path):
    with pytest.warns(UserWarning, match=r"x.weights.json' is written instead of '.*x.weights.h5'"):
        network(pw).save_weights(tmp_path / "x.weights.h5", max_shard_size=1)
    assert sorted(os.listdir(tmp_path)) == ["x.weights.json", "x_00000.weights.h5"]


def test_an_index_without_a_size_of_files_is_asked_for_one(tmp_path):
    with pytest.raises(ValueError, match=r"max_shard_size=... \(gigabytes\)"):
        network(pw).save_weights(tmp_path / "x.weights.json")
    with pytest.raises(ValueError, match="max_shard_size"):
        network(pw).save_weights(tmp_path / "x.weights.json", max_shard_size=-1)


def test_a_weight_larger_than_a_file_is_told_with_both_sizes_before_anything_is_written(tmp_path):
    with pytest.raises(
        ValueError, match=r"allows 256 bytes.*'dense.*shape \(8, 2\)|allows 128 bytes.*\(8, 8\) with 256 bytes"
    ):
        network(pw).save_weights(tmp_path / "x.weights.json", max_shard_size=128 / 2**30)
    assert os.listdir(tmp_path) == []


def test_sets_written_one_over_the_other_leave_nothing_behind_and_open_in_keras(tmp_path):
    path, model, theirs = tmp_path / "x.weights.json", network(pw), network(keras)
    for seed, size in enumerate([0.3, 0.5, 0.3, 1000, 0.3]):
        randomized(model, seed).save_weights(path, max_shard_size=size * KILOBYTE)
        named = set(np.hstack(list(json.loads(path.read_text())["weight_map"].values())))
        assert set(os.listdir(tmp_path)) == named | {"x.weights.json", "x_00000.weights.h5"}
        theirs.load_weights(path)
        assert_same(model, theirs)


def test_a_set_of_keras_may_be_written_over(tmp_path):
    path, theirs, ours = tmp_path / "x.weights.json", randomized(network(keras)), randomized(network(pw), 5)
    theirs.save_weights(path, max_shard_size=0.3 * KILOBYTE)
    ours.save_weights(path, max_shard_size=0.3 * KILOBYTE)
    theirs.load_weights(path)
    assert_same(ours, theirs)


@pytest.mark.parametrize("limit", [100, 2500, 4000])
def test_a_disk_that_takes_no_more_leaves_the_old_set_whole(limit, tmp_path):
    path, old, new = tmp_path / "x.weights.json", randomized(network(pw)), randomized(network(pw, 24), 2)
    old.save_weights(path, max_shard_size=0.3 * KILOBYTE)
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, allowed[1]))
    try:
        with pytest.raises(OSError, match="could not be written"):
            new.save_weights(path, max_shard_size=3 * KILOBYTE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    again = network(pw)
    again.load_weights(path)
    assert_same(old, again)


@pytest.mark.parametrize("step", range(1, 9))
def test_a_crash_at_any_moment_leaves_one_of_the_two_sets(step, tmp_path, monkeypatch):
    path, old, new = tmp_path / "x.weights.json", randomized(network(pw)), randomized(network(pw), 2)
    old.save_weights(path, max_shard_size=0.5 * KILOBYTE)
    done = []

    def crashing(act):
        def instead(*args):
            done.append(act)
            if len(done) >= step:
                raise KeyboardInterrupt
            return act(*args)

        return instead

    for name in ("replace", "unlink"):
        monkeypatch.setattr(os, name, crashing(getattr(os, name)))
    with pytest.raises(KeyboardInterrupt):
        new.save_weights(path, max_shard_size=0.5 * KILOBYTE)
        raise KeyboardInterrupt
    monkeypatch.undo()
    again, theirs = network(pw), network(keras)
    again.load_weights(path)
    theirs.load_weights(path)
    assert_same(again, theirs)
    assert any(
        all(np.array_equal(a, b) for a, b in zip(again.get_weights(), each.get_weights())) for each in (old, new)
    )


@pytest.fixture
def stored(tmp_path):
    network(pw).save_weights(tmp_path / "x.weights.json", max_shard_size=0.3 * KILOBYTE)
    return tmp_path / "x.weights.json"


def test_a_shard_that_is_missing_is_named(stored):
    (stored.parent / "x_00001.weights.h5").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"x_00001.weights.h5' does not exist: it is one of the \d shards of '.*x.weights.json'"
    ):
        network(pw).load_weights(stored)


def test_a_shard_of_another_set_is_named(stored, tmp_path):
    (tmp_path / "other").mkdir()
    network(pw).save_weights(tmp_path / "other" / "x.weights.json", max_shard_size=0.3 * KILOBYTE)
    (tmp_path / "other" / "x_00001.weights.h5").replace(stored.parent / "x_00001.weights.h5")
    with pytest.raises(OSError, match=r"x_00001.weights.h5' belongs to another set of weights"):
        network(pw).load_weights(stored)


def test_a_shard_of_another_set_of_keras_lacks_what_its_index_says(tmp_path):
    network(keras).save_weights(tmp_path / "x.weights.json", max_shard_size=0.3 * KILOBYTE)
    (tmp_path / "x_00000.weights.h5").replace(tmp_path / "x_00001.weights.h5")
    (tmp_path / "x_00000.weights.h5").write_bytes((tmp_path / "x_00001.weights.h5").read_bytes())
    with pytest.raises(OSError, match=r"in 'x_00001.weights.h5', and it is not: the shard is of another set"):
        network(pw).load_weights(tmp_path / "x.weights.json")


def test_one_shard_alone_is_no_file_of_weights(stored):
    with pytest.raises(ValueError, match=r"one of several shards: load the index"):
        network(pw).load_weights(stored.parent / "x_00000.weights.h5")


@pytest.mark.parametrize("name", ["../x.weights.h5", "/etc/passwd", "..", "a\\b", 3])
def test_an_index_that_speaks_of_files_elsewhere_is_refused(name, stored):
    stored.write_text(json.dumps({"weight_map": {"/layers/dense/vars": name}}))
    with pytest.raises(OSError, match="shards stand beside their index, nowhere else"):
        network(pw).load_weights(stored)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"weight_map": []}', "[" * 100_000])
def test_an_index_that_is_none_is_told(text, stored):
    stored.write_text(text)
    with pytest.raises(OSError, match=r"x.weights.json' is no index of sharded weights"):
        network(pw).load_weights(stored)
