"""Keras's data sets from files on this machine: the same arrays, nothing fetched, nothing of a file's run."""

import gzip
import importlib
import inspect
import io
import json
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
TEXTS = [[int(w) for w in RNG.integers(1, 30, RNG.integers(2, 12))] for _ in range(20)]


def lists(texts):
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Keras's cache folder, empty, for us and for Keras."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets"


def of_keras(monkeypatch, name, path, *arguments, **options):
    """What Keras reads from a file, wherever it thinks to have it from."""
    module = importlib.import_module(f"keras.src.datasets.{name}")
    monkeypatch.setattr(module, "get_file", lambda *args, **kwargs: str(path))
    return module.load_data(*arguments, **options)


def same(ours, theirs):
    for mine, other in zip((*ours[0], *ours[1]), (*theirs[0], *theirs[1]), strict=True):
        assert mine.dtype == other.dtype
        assert mine.tolist() == other.tolist()


TABLES = [
    ("mnist", {k: RNG.integers(0, 255, (5, 28, 28) if k[0] == "x" else (5,), np.uint8) for k in ("x_train", "y_train", "x_test", "y_test")}, {}),
    ("boston_housing", {"x": RNG.random((20, 13)), "y": RNG.random(20)}, {"test_split": 0.3, "seed": 4}),
    ("california_housing", {"x": RNG.random((700, 8)), "y": RNG.random(700)}, {"version": "small"}),
    ("imdb", {"x_train": lists(TEXTS[:10]), "y_train": np.arange(10) % 2, "x_test": lists(TEXTS[10:]), "y_test": np.arange(10)}, {}),
    (
        "imdb",
        {"x_train": lists(TEXTS[:10]), "y_train": np.arange(10) % 2, "x_test": lists(TEXTS[10:]), "y_test": np.arange(10)},
        {"num_words": 20, "skip_top": 4, "maxlen": 9, "seed": 3, "start_char": None, "oov_char": None, "index_from": 2},
    ),
    ("reuters", {"x": lists(TEXTS), "y": np.arange(20)}, {"num_words": 20, "maxlen": 10, "test_split": 0.4}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arrays", "options"), TABLES)
def test_what_is_read_is_what_keras_reads(home, monkeypatch, name, arrays, options):
    path = home / f"{name}.npz"
    np.savez(path, **arrays)
    module = getattr(pw.datasets, name)
    theirs = of_keras(monkeypatch, name, path, **options)
    same(module.load_data(**options), theirs)
    elsewhere = home.parent / "elsewhere.npz"
    os.rename(path, elsewhere)
    same(module.load_data(path=str(elsewhere), **options), theirs)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_lists_are_read_as_every_numpy_has_pickled_them(home, protocol):
    texts = lists([[1, 2], [], [3]])
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(texts))
    with zipfile.ZipFile(home / "reuters.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + pickle.dumps(texts, protocol))
        with archive.open("y.npy", "w") as file:
            np.save(file, np.arange(3))
    (x, y), _ = pw.datasets.reuters.load_data(test_split=0, start_char=None, num_words=9)
    assert dict(zip(y.tolist(), x.tolist())) == {0: [4, 5], 1: [], 2: [6]}
    (x, y), _ = pw.datasets.reuters.load_data(test_split=0, start_char=None)
    assert dict(zip(y.tolist(), x.tolist())) == {0: [4, 5], 1: [], 2: [2]}


def cifar(folder, files, labels):
    """Write the files of a data set of 3 rows each, in which everything is the number of the file, every seventh byte 99."""
    folder.mkdir()
    for number, file in enumerate(files):
        data = np.full((3, 3072), number, np.uint8)
        data[:, ::7] = 99
        (folder / file).write_bytes(pickle.dumps({b"data": data, **{k.encode(): [number] * 3 for k in labels}}, 4))


def test_cifar100_is_what_keras_reads(home, monkeypatch):
    cifar(home / "cifar-100-python", ["train", "test"], ["fine_labels", "coarse_labels"])
    theirs = of_keras(monkeypatch, "cifar100", home, label_mode="coarse")
    ours = pw.datasets.cifar100.load_data(label_mode="coarse")
    for mine, other in zip((*ours[0], *ours[1]), (*theirs[0], *theirs[1]), strict=True):
        assert mine.dtype == np.uint8
        np.testing.assert_array_equal(mine, other)


def test_cifar10_is_read_from_its_folder_or_its_archive(home):
    folder = home / "cifar-10-batches-py"
    cifar(folder, [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"], ["labels"])
    first = pw.datasets.cifar10.load_data()
    with tarfile.open(home / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(folder, folder.name)
    os.rename(folder, home / "away")
    for (x, y), (_, y_test) in (first, pw.datasets.cifar10.load_data()):
        assert x.shape == (15, 32, 32, 3)
        assert x[3:6].transpose(0, 3, 1, 2).reshape(3, -1)[:, 1::7].max() == 1
        assert (x[3:6].transpose(0, 3, 1, 2).reshape(3, -1)[:, ::7] == 99).all()
        assert y.tolist() == [[n] for n in range(5) for _ in range(3)]
        assert y_test.tolist() == [[5]] * 3


def test_fashion_mnist_is_read_from_its_four_files(home):
    folder = home / "fashion-mnist"
    folder.mkdir()
    images = RNG.integers(0, 255, (3, 28, 28), np.uint8)
    for part in ("train", "t10k"):
        for kind, array in (("images-idx3", images), ("labels-idx1", np.arange(3, dtype=np.uint8))):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    (x, y), test = pw.datasets.fashion_mnist.load_data()
    np.testing.assert_array_equal(x, images)
    assert y.tolist() == test[1].tolist() == [0, 1, 2]
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc"))
    with pytest.raises(ValueError, match=r"train-labels-idx1-ubyte\.gz of the data set fashion_mnist is none of bytes"):
        pw.datasets.fashion_mnist.load_data()


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_words_and_topics_have_numbers(home, name):
    (home / f"{name}_word_index.json").write_text(json.dumps({"the": 1}))
    assert getattr(pw.datasets, name).get_word_index() == {"the": 1}
    assert pw.datasets.reuters.get_label_names() == keras.datasets.reuters.get_label_names()


@pytest.mark.parametrize("name", pw.datasets.__all__)
def test_arguments_are_keras_and_what_is_missing_is_said_with_where_to_put_it(home, name):
    ours, theirs = getattr(pw.datasets, name).load_data, getattr(keras.datasets, name).load_data
    assert [(p.name, p.default) for p in inspect.signature(ours).parameters.values()] == [
        (p.name, p.default) for p in inspect.signature(theirs).parameters.values()
    ]
    with pytest.raises(FileNotFoundError) as caught:
        ours()
    message = str(caught.value)
    assert f"The data set {name} is not on this machine, and phasewise opens no connections. Fetch https://" in message
    assert f"put it at {home}{os.sep}" in message
    assert ("load_data(path=...)" in message) == ("path" in inspect.signature(ours).parameters)


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


def test_a_file_that_would_run_code_is_refused_and_runs_none(home, monkeypatch):
    monkeypatch.chdir(home)
    np.savez(home / "imdb.npz", x_train=lists([Attack()]), y_train=[1], x_test=[1], y_test=[1])
    with pytest.raises(ValueError, match=r"imdb cannot be read: it names posix\.mkdir, which would be run"):
        pw.datasets.imdb.load_data()
    folder = home / "cifar-100-python"
    folder.mkdir()
    (folder / "train").write_bytes(pickle.dumps({b"data": Attack()}))
    with pytest.raises(ValueError, match=r"posix\.mkdir, which would be run"):
        pw.datasets.cifar100.load_data()
    np.savez(home / "mnist.npz", x_train=lists([Attack()]), y_train=[1], x_test=[1], y_test=[1])
    with pytest.raises(ValueError, match=r"which would be run"):
        pw.datasets.mnist.load_data()
    assert not (home / "attacked").exists()


def test_other_files_and_arguments_are_refused(home):
    (home / "mnist.npz").write_text("no archive")
    with pytest.raises(ValueError, match=r"mnist\.npz of the data set mnist cannot be read: File is not a zip file"):
        pw.datasets.mnist.load_data()
    with zipfile.ZipFile(home / "mnist.npz", "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", "no array")
    with pytest.raises(ValueError, match=r"mnist\.npz of the data set mnist cannot be read: the magic string"):
        pw.datasets.mnist.load_data()
    np.savez(home / "reuters.npz", a=[1])
    with pytest.raises(ValueError, match="holds a; the data set reuters needs x, y"):
        pw.datasets.reuters.load_data()
    np.savez(home / "reuters.npz", x=lists(TEXTS), y=np.arange(20))
    with pytest.raises(ValueError, match="No text has fewer than maxlen=2 words"):
        pw.datasets.reuters.load_data(maxlen=2)
    with pytest.raises(ValueError, match="test_split is a fraction"):
        pw.datasets.boston_housing.load_data(test_split=1)
    with pytest.raises(ValueError, match="Did you mean 'small'"):
        pw.datasets.california_housing.load_data(version="smal")
    with pytest.raises(TypeError, match="has no argument 'nb_words'"):
        pw.datasets.imdb.load_data(nb_words=3)


# -- get_file

ORIGIN = "https://example.org/data.tar.gz"


@pytest.fixture
def archive(tmp_path):
    """A tar file with one member."""
    path = tmp_path / "source" / "data.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("inside.txt")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"hi"))
    return path


def test_a_file_in_the_cache_is_found_where_keras_has_it(home, archive):
    os.replace(archive, home / "data.tar.gz")
    where = {"cache_dir": str(home.parent)}
    assert pw.utils.get_file("data.tar.gz", ORIGIN) == keras.utils.get_file("data.tar.gz", ORIGIN, **where)
    ours = pw.utils.get_file("data.tar.gz", ORIGIN, extract=True)
    assert Path(ours, "inside.txt").read_text() == "hi"
    assert ours == keras.utils.get_file("data.tar.gz", ORIGIN, extract=True, **where)


def test_a_file_elsewhere_on_the_machine_is_copied_once(home, archive):
    path = pw.utils.get_file(origin=archive.as_uri())
    assert path == str(home / "data.tar.gz")
    archive.unlink()
    assert pw.utils.get_file(origin=archive.as_uri()) == path
    with pytest.raises(FileNotFoundError, match="is no file"):
        pw.utils.get_file(origin=archive.as_uri(), force_download=True)
    assert os.listdir(home) == ["data.tar.gz"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"origin": None}, ValueError, "needs `origin`"),
        ({}, FileNotFoundError, f"phasewise opens no connections. Fetch {ORIGIN} by another way and put it there"),
        ({"file_hash": "ab" * 32}, FileNotFoundError, f"Its sha256 is {'ab' * 32}"),
        ({"fname": "a/b"}, ValueError, "fname is the name of a file alone; got 'a/b'"),
        ({"origin": "https://example.org/"}, ValueError, "ends in no file's name"),
        ({"hash_algorithm": "md6"}, ValueError, "Did you mean 'md5'"),
    ],
)
def test_what_is_not_there_is_refused(home, options, error, message):
    with pytest.raises(error) as caught:
        pw.utils.get_file(**{"origin": ORIGIN, **options})
    assert message in str(caught.value)
    assert os.listdir(home) == []


def test_another_file_than_the_one_that_is_wanted_is_refused(home, archive):
    for digits in ("0" * 32, "0" * 64):
        with pytest.raises(ValueError, match=f"and {digits} was expected"):
            pw.utils.get_file(origin=archive.as_uri(), file_hash=digits)
    assert os.listdir(home) == []
    with pytest.raises(ValueError, match="no archive of the kind zip"):
        pw.utils.get_file(origin=archive.as_uri(), extract=True, archive_format="zip")


def test_an_archive_that_would_write_elsewhere_is_refused(home, tmp_path):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("../../outside.txt"))
    with pytest.raises(tarfile.OutsideDestinationError):
        pw.utils.get_file("evil.tar", path.as_uri(), extract=True)
    assert not list(tmp_path.rglob("outside.txt"))
    assert not (home / "evil_extracted").exists()
