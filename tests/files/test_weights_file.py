"""save_weights and load_weights: exchange with Keras both ways, what does not fit, and a disk that takes no more."""

import resource
import zipfile

import h5py
import keras
import ml_dtypes
import numpy as np
import pytest

import phasewise as pw
from phasewise.files import weights_file

X = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")


def chain(library):
    layers = library.layers
    inner = library.Sequential([layers.Dense(3, activation="tanh"), layers.Dense(4)])
    return library.Sequential(
        [library.Input((4, 3)), layers.Conv1D(4, 2), layers.BatchNormalization(), inner, layers.Dense(2)]
    )


def graph(library):
    layers = library.layers
    x = library.Input((4, 3))
    h = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x)
    h = layers.MultiHeadAttention(2, 2)(h, h)
    h = layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)])(h)
    first, second = layers.Dense(2)(h), layers.Dense(2, use_bias=False)(h)
    return library.Model(x, layers.Dense(2)(layers.Add()([second, first])))


def subclassed(library):
    class Net(library.Model):
        def __init__(self):
            super().__init__()
            self.out = library.layers.Dense(2)
            self.blocks = [library.layers.Dense(3), library.layers.Dense(4)]
            self.by_name = {"norm": library.layers.BatchNormalization()}
            self.alone = library.layers.Dense(5)

        def call(self, x):
            for layer in (*self.blocks, *self.by_name.values(), self.alone, self.out):
                x = layer(x)
            return x

    model = Net()
    model(X)
    return model


def randomized(model):
    """The model with random weights, none of them negative."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape).astype("float32") for w in model.weights])
    return model


@pytest.mark.parametrize("build", [chain, graph, subclassed])
def test_weights_go_to_keras_and_come_back(build, tmp_path):
    ours, theirs = randomized(build(pw)), build(keras)
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")
    np.testing.assert_allclose(theirs(X), ours(X), rtol=1e-5, atol=1e-5)

    randomized(theirs).save_weights(tmp_path / "theirs.weights.h5")
    fresh = build(pw)
    fresh.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_allclose(fresh(X), theirs(X), rtol=1e-5, atol=1e-5)


def test_names_have_no_part_in_it(tmp_path):
    def named(prefix):
        dense = pw.layers.Dense
        return pw.Sequential([pw.Input((3,)), dense(2, name=f"{prefix}_a"), dense(2, name=f"{prefix}_b")])

    first, second = named("first"), named("second")
    first.save_weights(tmp_path / "x.weights.h5")
    second.load_weights(tmp_path / "x.weights.h5")
    for a, b in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_bfloat16_weights_keep_their_bits_in_both_libraries(tmp_path):
    ours, theirs = (k.Sequential([k.Input((3,)), k.layers.Dense(2, dtype="bfloat16")]) for k in (pw, keras))
    ours.save_weights(tmp_path / "x.weights.h5")
    theirs.load_weights(tmp_path / "x.weights.h5")
    assert np.asarray(theirs.weights[0]).dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(np.asarray(theirs.weights[0]), ours.weights[0].numpy())
    theirs.save_weights(tmp_path / "y.weights.h5")
    again = pw.Sequential([pw.Input((3,)), pw.layers.Dense(2, dtype="bfloat16")])
    again.load_weights(tmp_path / "y.weights.h5")
    np.testing.assert_array_equal(again.weights[0].numpy(), ours.weights[0].numpy())


def test_weights_inside_a_keras_archive_are_found(tmp_path):
    theirs = randomized(chain(keras))
    theirs.save(tmp_path / "x.keras")
    ours = chain(pw)
    ours.load_weights(tmp_path / "x.keras")
    np.testing.assert_allclose(ours(X), theirs(X), rtol=1e-5, atol=1e-5)


def test_an_archive_is_told_by_its_content_and_a_pickle_is_never_opened(tmp_path):
    theirs, ours = randomized(chain(keras)), chain(pw)
    theirs.save(tmp_path / "x.keras")
    (tmp_path / "x.keras").rename(tmp_path / "x.weights.h5")
    ours.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(ours.get_weights()[0], theirs.get_weights()[0])
    with pytest.raises(ValueError, match=r"x.pt' is a pickle of PyTorch's, which runs code.*load_torch_weights"):
        ours.load_weights(tmp_path / "x.pt")


def test_stored_low_rank_weights_are_the_sum_and_go_on_learning(tmp_path):
    model = pw.Sequential([pw.Input((3,)), pw.layers.EinsumDense("ab,bc->ac", 2, lora_rank=1)])
    model.layers[0].lora_b.assign([[1.0, 2.0]])
    before = np.asarray(model(X[:, 0]))
    model.save_weights(tmp_path / "x.weights.h5")
    model.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_allclose(model(X[:, 0]), before, rtol=1e-5, atol=1e-6)
    assert np.any(model.layers[0].lora_a.numpy())


class Remembering:
    """An optimizer as far as files know it."""

    name, built = "remembering", True

    def __init__(self, *values):
        self.values = list(values)

    def build(self, variables):
        pass

    def save_own_variables(self, store):
        store.update({str(i): np.float32(v) for i, v in enumerate(self.values)})

    def load_own_variables(self, store):
        self.values = [float(store[str(i)]) for i in range(len(store))]


def test_what_an_optimizer_keeps_goes_with_the_weights(tmp_path):
    model = pw.Sequential([pw.Input((3,)), pw.layers.Dense(2)])
    model.optimizer = Remembering(3, 0.5)
    model.save_weights(tmp_path / "x.weights.h5")
    model.optimizer = Remembering()
    model.load_weights(tmp_path / "x.weights.h5")
    assert model.optimizer.values == [3, 0.5]


def test_a_layer_of_your_own_may_say_what_it_stores(tmp_path):
    class Table(pw.layers.Layer):
        words = ()

        def call(self, x):
            return x

        def save_own_variables(self, store):
            store["codes"] = np.array([ord(word) for word in self.words])

        def load_own_variables(self, store):
            self.words = tuple(map(chr, store["codes"]))

    model, again = (pw.Sequential([pw.Input((3,)), Table()]) for _ in range(2))
    model.layers[0].words = ("a", "b")
    model.save_weights(tmp_path / "x.weights.h5")
    again.load_weights(tmp_path / "x.weights.h5")
    assert again.layers[0].words == ("a", "b")


def test_what_was_taken_is_told(tmp_path):
    model = pw.Sequential([pw.Input((3,)), pw.layers.Dense(2, name="d")])
    model.save_weights(tmp_path / "x.weights.h5")
    report = model.load_weights(tmp_path / "x.weights.h5")
    assert [path.split("/", 1)[1] for path in report.taken] == ["d/kernel", "d/bias"]
    assert report.missing == report.mismatched == report.unused == []
    assert str(report) == "2 weights taken"


def test_an_error_of_a_users_layer_stays_what_it_is(tmp_path):
    class Demanding(pw.layers.Layer):
        def call(self, x):
            return x

        def save_own_variables(self, store):
            store["there"] = np.zeros(1)

        def load_own_variables(self, store):
            store["not there"]

    model = pw.Sequential([pw.Input((3,)), Demanding()])
    model.save_weights(tmp_path / "model.weights.h5")
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
    with pytest.raises(KeyError, match="not there"):
        model.load_weights(tmp_path / "x.keras")


# -- what does not fit


def dense(*units):
    return pw.Sequential([pw.Input((3,)), *(pw.layers.Dense(n, name=f"d{i}") for i, n in enumerate(units))])


@pytest.fixture
def stored(tmp_path):
    dense(4, 2).save_weights(tmp_path / "x.weights.h5")
    return tmp_path / "x.weights.h5"


def test_another_shape_names_the_layer_and_both_shapes_and_changes_nothing(stored):
    model = dense(4, 5)
    before = model.get_weights()
    with pytest.raises(
        ValueError, match=r"Dense 'd1' \(layers/dense_1\): kernel has shape \(4, 5\); the file has \(4, 2\)"
    ):
        model.load_weights(stored)
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_weights_that_are_missing_in_the_file_name_the_layer(stored):
    with pytest.raises(ValueError, match=r"'d2' \(layers/dense_2\) has 2 weights, of shapes .*; the file has 0"):
        dense(4, 2, 2).load_weights(stored)


def test_weights_that_the_model_has_no_layer_for_are_named(stored):
    with pytest.raises(
        ValueError, match=r"shapes \[\(4, 2\), \(2,\)\] at 'layers/dense_1', where the model has no layer"
    ):
        dense(4).load_weights(stored)


def test_skip_mismatch_takes_what_fits_and_tells_of_the_rest(stored):
    model = dense(4, 5)
    with pytest.warns(UserWarning, match=r"only what fits was loaded.*\(4, 5\)"):
        model.load_weights(stored, skip_mismatch=True)
    with h5py.File(stored) as file:
        np.testing.assert_array_equal(model.get_weights()[0], file["layers/dense/vars/0"][()])


def test_a_file_that_is_no_hdf5_is_told(tmp_path):
    (tmp_path / "x.weights.h5").write_bytes(b"weights")
    with pytest.raises(OSError, match=r"x.weights.h5' is no HDF5 file"):
        dense(4).load_weights(tmp_path / "x.weights.h5")


def test_a_file_that_is_cut_off_is_told(stored):
    stored.write_bytes(stored.read_bytes()[:-100])
    with pytest.raises(OSError, match=r"x.weights.h5' is cut off"):
        dense(4, 2).load_weights(stored)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.weights.h5' does not exist"):
        dense(4).load_weights(tmp_path / "none.weights.h5")
    dense(4).save_weights(tmp_path / "nine.weights.h5")
    with pytest.raises(FileNotFoundError, match=r"no weights to load. Did you mean '.*nine.weights.h5'"):
        dense(4).load_weights(tmp_path / "nime.weights.h5")
    with pytest.raises(FileNotFoundError, match=r"nor does its folder '.*nowhere'"):
        dense(4).load_weights(tmp_path / "nowhere" / "x.weights.h5")
    (tmp_path / "x.keras").write_bytes(b"zip?")
    with pytest.raises(OSError, match=r"x.keras' is no .keras file"):
        dense(4).load_weights(tmp_path / "x.keras")
    with zipfile.ZipFile(tmp_path / "y.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(OSError, match=r"y.keras' is no .keras file"):
        dense(4).load_weights(tmp_path / "y.keras")


def test_nothing_is_read_from_another_file(stored, tmp_path):
    with h5py.File(stored, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")
    with pytest.raises(OSError, match="outside of itself"):
        dense(4, 2).load_weights(stored)


def test_a_model_without_weights_yet_and_other_endings_are_refused(tmp_path):
    model = pw.Sequential([pw.layers.Dense(2)])
    with pytest.raises(ValueError, match="no weights to save yet"):
        model.save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(ValueError, match="no weights to load yet"):
        model.load_weights(tmp_path / "x.weights.h5")
    with pytest.raises(ValueError, match=r"ends in '.weights.h5'; got '.*x.h5'"):
        dense(4).save_weights(tmp_path / "x.h5")
    with pytest.raises(ValueError, match=r"A whole model is written to a .keras file by model.save"):
        dense(4).save_weights(tmp_path / "x.keras")


def test_a_damaged_piece_is_found_before_anything_is_changed(tmp_path):
    model = dense(40)
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        file.create_dataset("layers/dense/vars/0", data=np.ones((3, 40), "f4"))
        bias = file.create_dataset("layers/dense/vars/1", data=np.arange(40.0), compression="gzip")
        place = bias.id.get_chunk_info(0)
    with open(tmp_path / "x.weights.h5", "r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(b"\xff" * place.size)
    before = model.get_weights()
    with pytest.raises(OSError, match=r"layers/dense/vars/1 in '.*x.weights.h5' cannot be read"):
        model.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_text_where_numbers_are_due_is_told(stored):
    with h5py.File(stored, "a") as file:
        del file["layers/dense_1/vars/1"]
        file["layers/dense_1/vars/1"] = [b"ab", b"cd"]
    with pytest.raises(ValueError, match=r"'d1' .*bias is made of numbers; layers/dense_1/vars/1 in .* is not"):
        dense(4, 2).load_weights(stored)


def test_overwrite_false_leaves_a_file_alone(stored):
    with pytest.raises(FileExistsError, match="overwrite=True"):
        dense(4, 2).save_weights(stored, overwrite=False)


@pytest.mark.parametrize("held_in_memory", [1 << 30, 0])
def test_a_disk_that_takes_no_more_leaves_the_last_file_whole(held_in_memory, stored, monkeypatch):
    monkeypatch.setattr(weights_file, "SMALL_BYTES", held_in_memory)
    whole = stored.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        with pytest.raises(
            OSError, match=r"x.weights.h5' could not be written: File too large.*was there before is whole"
        ):
            dense(400, 100).save_weights(stored)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert stored.read_bytes() == whole
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    dense(4, 2).load_weights(stored)
