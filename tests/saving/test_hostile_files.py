"""Files made to do harm: each is refused with a sentence that says why, and nothing is run, read or fetched meanwhile."""

import base64
import io
import json
import marshal
import stat
import struct
import zipfile

import h5py
import numpy as np
import pytest

import phasewise as pw
from phasewise.files import archive, json_text
from phasewise.saving import FileError, load_model
from saving.archives import config, members, with_config, with_weights, written
from saving.watched import nothing_happens


@pytest.fixture(scope="module", autouse=True)
def everything_is_imported(tmp_path_factory):
    """What opening a file imports the first time is there before anything is watched."""
    path = written(tmp_path_factory.mktemp("warm") / "x.keras", members())
    load_model(path)
    for bad in ({"class_name": "Nope", "config": {}}, {"class_name": "__lambda__", "config": {}}):
        with pytest.raises(FileError):
            load_model(with_config(path, bad))


def assert_refused(path, words, **options):
    for given in ({}, {"safe_mode": False}, options):
        with nothing_happens(path), pytest.raises(FileError, match=words):
            load_model(path, **given)


# -- what a config asks for

CODE = base64.b64encode(marshal.dumps((lambda x: __import__("os").system("touch /tmp/canary")).__code__)).decode()


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def with_activation(found):
    changed = config()
    changed["config"]["layers"][1]["config"]["activation"] = found
    return changed


def with_layer(_module, _name, **inner):
    changed = config()
    changed["config"]["layers"][1] = {
        "module": _module,
        "class_name": _name,
        "config": {"name": "bad", **inner},
        "registered_name": None,
    }
    return changed


LAMBDA = {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}
ASKED = {
    "a function of another module": (with_activation(function("os", "system")), "'system'"),
    "a function of Python's": (with_activation(function("builtins", "exec")), "'exec'"),
    "a class of another module": (with_layer("subprocess", "Popen", args=["touch", "/tmp/canary"]), "'Popen'"),
    "a class under a registered name": (
        {**config(), "module": "os", "class_name": "system", "registered_name": "os>system"},
        "system",
    ),
    "a download": (with_activation(function("keras.utils", "get_file")), "'get_file'"),
    "a download as a layer": (
        with_layer("keras.utils", "get_file", fname="x", origin="http://127.0.0.1:9/x", extract=True),
        "'get_file'",
    ),
    "loading another model": (with_layer("keras.models", "load_model", filepath="/tmp/other.keras"), "'load_model'"),
    "the end of safe mode": (
        with_activation(function("keras.config", "enable_unsafe_deserialization")),
        "'enable_unsafe_deserialization'",
    ),
    "byte code": (with_activation(LAMBDA), "code of a lambda"),
    "byte code in a Lambda": (with_layer("keras.layers", "Lambda", function=LAMBDA), "never"),
    "byte code as Keras 2 wrote it": (
        with_layer("keras.layers", "Lambda", function=[CODE, None, None], function_type="lambda", module="__main__"),
        "bad|Lambda",
    ),
    "a function of Python's in a Lambda": (
        with_layer(
            "keras.layers", "Lambda", function=function("tempfile", "mkdtemp"), arguments={"dir": "/tmp/canary"}
        ),
        "mkdtemp",
    ),
    "a pickled module of PyTorch's": (
        with_layer(
            "keras.layers", "TorchModuleWrapper", module={"class_name": "__bytes__", "config": {"value": "gASV"}}
        ),
        "'TorchModuleWrapper'",
    ),
    "a SavedModel": (with_layer("keras.layers", "TFSMLayer", filepath="/tmp/saved"), "'TFSMLayer'"),
    "a function to compile with": (
        {**config(), "compile_config": {**config()["compile_config"], "loss": function("os", "system")}},
        "'system'",
    ),
    "an optimizer of another module": (
        {
            **config(),
            "compile_config": {
                **config()["compile_config"],
                "optimizer": {"module": "os", "class_name": "popen", "config": {}},
            },
        },
        "'popen'",
    ),
    "no model": ({"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}, "Dense, which is no model"),
    "not even a class": ({"module": "keras", "class_name": ["x"], "config": {}}, "x"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_config_gets_nothing_but_what_is_registered(asked, tmp_path):
    changed, words = ASKED[asked]
    assert_refused(with_config(tmp_path / "x.keras", changed), words)


@pytest.mark.parametrize("kind", ["StringLookup", "IntegerLookup", "TextVectorization"])
@pytest.mark.parametrize(
    "where", ["/etc/passwd", "secret.txt", "http://127.0.0.1:9/x", "file:///etc/passwd", "gs://bucket/x"]
)
def test_no_file_and_no_address_is_read_as_a_vocabulary(kind, where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text("word\n")
    changed = with_layer("keras.layers", kind, vocabulary=where)
    assert_refused(with_config(tmp_path / "x.keras", changed), f"{kind} 'bad' names '.*' as its vocabulary")


def test_a_registered_function_in_a_lambda_is_opened(tmp_path):
    @pw.utils.register_keras_serializable("mine")
    def doubled(x):
        return 2 * x

    model = pw.Sequential([pw.Input((2,)), pw.layers.Lambda(doubled)])
    model.save(tmp_path / "x.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "x.keras").predict(np.ones((1, 2)), verbose=0), [[2, 2]])


# -- archives


def zipped(path, change=None, **extra):
    """The archive with further members: name -> bytes, or (ZipInfo, bytes)."""
    with zipfile.ZipFile(path, "w") as file:
        for name, part in members().items():
            file.writestr(name, part)
        for name, part in extra.items():
            file.writestr(*(part if isinstance(part, tuple) else (name, part)))
    return path


def info(name, mode=0, method=zipfile.ZIP_STORED):
    made = zipfile.ZipInfo(name)
    made.external_attr, made.compress_type = mode << 16, method
    return made


@pytest.mark.parametrize(
    "name, words",
    [
        ("../canary", "leads out of its folder"),
        ("assets/../../canary", "leads out of its folder"),
        ("/tmp/canary", "where it belongs on the disk"),
        ("C:/canary", "where it belongs on the disk"),
        ("..\\canary", "a name that no file should have"),
    ],
)
def test_names_that_lead_elsewhere(name, words, tmp_path):
    assert_refused(zipped(tmp_path / "x.keras", other=(info(name), b"")), words)


def test_links_in_an_archive(tmp_path):
    link = info("assets/link", stat.S_IFLNK | 0o777)
    assert_refused(zipped(tmp_path / "x.keras", other=(link, b"/etc/passwd")), "'assets/link' that is a link")


def test_links_in_a_folder(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    for name, part in members().items():
        (folder / name).write_bytes(part)
    load_model(folder)
    (folder / "assets").mkdir()
    (folder / "assets" / "x").symlink_to("/etc/passwd")
    assert_refused(folder, "'assets/x', which is a link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path):
    assert_refused(zipped(tmp_path / "x.keras", other=("config.json", b"{}")), "two members 'config.json'")


def test_compression_that_no_model_file_has(tmp_path):
    strange = info("assets/x", method=zipfile.ZIP_LZMA)
    assert_refused(zipped(tmp_path / "x.keras", other=(strange, b"x" * 99)), r"compressed by a method \(number 14\)")


def flagged(path, name, flag):
    """The archive at `path` with a flag set in both headers of a member."""
    found = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        local = file.getinfo(name).header_offset
    central = found.rindex(name.encode()) - 46
    found[local + 6] |= flag
    found[central + 8] |= flag
    path.write_bytes(found)
    return path


def test_encrypted_members(tmp_path):
    path = flagged(zipped(tmp_path / "x.keras", assets=(info("assets/x"), b"x")), "assets/x", 1)
    assert_refused(path, "'assets/x' that is encrypted")


def test_a_member_that_says_it_becomes_a_thousand_times_as_large(tmp_path):
    bomb = info("assets/x", method=zipfile.ZIP_DEFLATED)
    assert_refused(
        zipped(tmp_path / "x.keras", other=(bomb, bytes(70 << 20))),
        "'assets/x' of .* bytes that says it holds 73,400,320",
    )


def test_a_member_that_becomes_larger_than_it_says(tmp_path):
    path = tmp_path / "x.keras"
    parts = members()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in parts.items():
            file.writestr(name, part + b" " * (1 << 20) if name == "config.json" else part)
    whole = path.read_bytes()
    size = len(parts["config.json"]) + (1 << 20)
    path.write_bytes(whole.replace(struct.pack("<L", size), struct.pack("<L", 1000)))
    assert_refused(path, "'config.json'")


def test_more_members_than_a_model_has(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 20)
    many = {str(n): (f"assets/{n}", b"") for n in range(20)}
    assert_refused(zipped(tmp_path / "x.keras", **many), "has 23 members; at most 20")


def test_compressed_archives_are_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.keras", "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in members().items():
            file.writestr(name, part)
    load_model(tmp_path / "x.keras")


# -- JSON


@pytest.mark.parametrize(
    "text, words",
    [
        (b'{"a": ' * 5000 + b"1" + b"}" * 5000, "deep|recursion"),
        (b'{"a": ' * 450 + b"1" + b"}" * 450, "more than 400 levels deep"),
        (b'{"class_name": "Sequential", "class_name": "Model", "config": {}}', "the key 'class_name' twice"),
        (b'{"class_name": "Sequential", "config": {"x": NaN}}', "NaN"),
        (b"[1]", "holds list; expected an object"),
        (b"{", "no JSON that can be read"),
        (b"\xff{}", "no JSON that can be read"),
        (b'{"x": ' + b"9" * 5000 + b"}", "no JSON that can be read"),
        (b"{}", "x.keras"),
    ],
)
@pytest.mark.parametrize("name", ["config.json", "metadata.json"])
def test_json_that_means_two_things_or_nothing(name, text, words, tmp_path):
    if name == "metadata.json" and text == b"{}":
        return
    assert_refused(written(tmp_path / "x.keras", {**members(), name: text}), words)


def test_json_that_is_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(json_text, "MOST_BYTES", 1000)
    assert_refused(written(tmp_path / "x.keras", members()), "'config.json' of more than 1,000 bytes")


@pytest.mark.parametrize("size", [10**9, 10**12, 10**19])
def test_a_weight_of_any_size_costs_nothing_before_the_file_has_it(size, tmp_path):
    changed = config()
    changed["config"]["layers"][1]["config"]["units"] = size
    assert_refused(with_config(tmp_path / "x.keras", changed), "x.keras")


# -- HDF5

FIRST = "layers/dense/vars"


def instead(make):
    """A change that puts what `make(group)` makes under "0" in the place of the first weight."""

    def change(file):
        del file[FIRST]["0"]
        make(file[FIRST])

    return change


def bomb(group):
    group.create_dataset("0", shape=(1 << 20, 1 << 20), chunks=(1, 1 << 10), dtype="f4", compression="gzip")


def packed_bomb(group):
    group.create_dataset(
        "0", data=np.zeros((1 << 12, 1 << 13), "f4"), chunks=(1 << 8, 1 << 13), compression="gzip", compression_opts=9
    )


def external(group):
    group.create_dataset("0", shape=(4, 3), dtype="f4", external=[("/etc/passwd", 0, 48)])


def virtual(group):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (4, 3))
    group.create_virtual_dataset("0", layout)


def unknown_filter(group):
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((4, 3))
    made.set_filter(4242, h5py.h5z.FLAG_OPTIONAL, (1,))
    kind, space = h5py.h5t.py_create(np.dtype("f4")), h5py.h5s.create_simple((4, 3))
    h5py.h5d.create(group.id, b"0", kind, space, made)


def deep(group):
    for _ in range(150):
        group = group.create_group("g")


HELD = {
    "a soft link": (lambda g: g.__setitem__("0", h5py.SoftLink("/layers/dense_1/vars/0")), "outside of itself"),
    "an external link": (lambda g: g.__setitem__("0", h5py.ExternalLink("/tmp/other.h5", "/x")), "outside of itself"),
    "an external array": (external, "outside of itself"),
    "a virtual array": (virtual, "outside of itself"),
    "a shape without its numbers": (bomb, "says that its shape is"),
    "a shape that is packed to nothing": (packed_bomb, "says that its shape is"),
    "a filter from elsewhere": (unknown_filter, r"a filter \(number 4242\)"),
    "lists": (lambda g: g.create_dataset("0", (4, 3), h5py.vlen_dtype("f4")), "has entries of the kind"),
    "references": (lambda g: g.create_dataset("0", (4, 3), h5py.ref_dtype), "has entries of the kind"),
    "records": (lambda g: g.create_dataset("0", data=np.zeros((4, 3), "i4,f4")), "has entries of the kind"),
    "texts": (lambda g: g.create_dataset("0", data=np.full((4, 3), "x", object)), "numbers"),
    "no shape": (lambda g: g.create_dataset("0", data=h5py.Empty("f4")), "has no shape"),
    "a group that holds itself": (lambda g: g.__setitem__("0", g), "under another name too"),
    "groups in groups": (deep, "more than 100 groups deep"),
    "a type": (lambda g: g.__setitem__("0", np.dtype("f4")), "neither a group nor an array"),
}


@pytest.mark.parametrize("held", HELD)
def test_hdf5_that_reaches_out_or_says_more_than_it_holds(held, tmp_path):
    make, words = HELD[held]
    path = with_weights(tmp_path / "x.keras", instead(make))
    assert_refused(path, words)
    loose = tmp_path / "x.weights.h5"
    with zipfile.ZipFile(path) as file:
        loose.write_bytes(file.read("model.weights.h5"))
    model = load_model(written(tmp_path / "y.keras", members()))
    kept = model.get_weights()
    with nothing_happens(loose), pytest.raises(OSError, match=words):
        model.load_weights(loose)
    for a, b in zip(model.get_weights(), kept):
        np.testing.assert_array_equal(a, b)


def test_attributes_of_another_kind_are_passed_over(tmp_path):
    def change(file):
        file[FIRST].attrs["name"] = np.arange(9)
        file[FIRST]["0"].attrs["dtype"] = [1, 2]

    load_model(with_weights(tmp_path / "x.keras", change))


def test_a_legacy_file_with_code_in_it(tmp_path):
    path = tmp_path / "x.h5"
    layer = {
        "class_name": "Lambda",
        "config": {"name": "bad", "function": [CODE, None, None], "function_type": "lambda"},
    }
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
        )
        file.create_group("model_weights").attrs["layer_names"] = []
    assert_refused(path, "x.h5")


def test_nothing_is_unpacked_beside_the_file(tmp_path):
    load_model(written(tmp_path / "x.keras", {**members("words"), "assets/more/x.txt": b"x"}))
    assert [each.name for each in tmp_path.iterdir()] == ["x.keras"]


def test_a_vocabulary_that_is_none(tmp_path):
    name = "assets/layers/string_lookup/vocabulary.txt"
    path = written(tmp_path / "x.keras", {**members("words"), name: b"[UNK]\na\na\n"})
    with pytest.raises(FileError, match=r"assets of StringLookup 'lookup' cannot be used.*'a' occurs more than once"):
        load_model(path)
    assert io.BytesIO(members("words")[name]).read() == b"[UNK]\nb\na"
