"""summary, explain, convert and recalibrate at the command line: what they print, write, and say of mistakes."""

import json
import runpy

import jax
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with models and data, which no test changes."""
    folder = tmp_path_factory.mktemp("files")
    chain = [layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(name="bn"), layers.ReLU()]
    chain += [layers.Dropout(0.5, name="drop"), layers.GlobalAveragePooling2D(), layers.Dense(3, name="scores")]
    pw.Sequential([pw.Input((8, 8, 1), name="image"), *chain], name="net").save(folder / "net.keras")
    rows = [pw.Input((3,), name="row"), layers.BatchNormalization(name="bn"), layers.Dense(2)]
    pw.Sequential(rows, name="table").save(folder / "table.keras")
    pw.Sequential([pw.Input((4, 3)), layers.BatchNormalization()]).save(folder / "sequences.keras")
    pw.Sequential([pw.Input((3,)), layers.Dense(2)]).save(folder / "plain.keras")
    x = RNG.normal(3, 2, (40, 8, 8, 1)).astype("float32")
    pw.utils.FeatureSpace({"age": "float"}).save(folder / "space.keras")
    np.save(folder / "x.npy", x)
    np.save(folder / "grey.npy", x[..., 0])
    np.save(folder / "small.npy", x[:, :4])
    np.save(folder / "empty.npy", x[:0])
    np.save(folder / "single.npy", x[0])
    np.save(folder / "holes.npy", np.where(np.arange(40)[:, None, None, None] == 7, np.nan, x))
    np.save(folder / "names.npy", np.array(["a", "b"]))
    np.savez(folder / "x.npz", x_test=x, y_test=np.zeros(40))
    return folder


def read(printed):
    """The one object that was printed."""
    return json.loads(printed)


def statistics(path):
    """(moving mean, moving variance) of the layer "bn" of the model in a file."""
    layer = pw.saving.load_model(path).get_layer("bn")
    return layer.moving_mean.numpy(), layer.moving_variance.numpy()


# -- asking


def test_summary_prints_the_layers_and_as_json_every_number(phasewise):
    status, printed, complaints = phasewise("summary", "net.keras")
    assert (status, complaints) == (0, "")
    assert "bn (BatchNormalization)" in printed and "Total params: 67" in printed and "\x1b" not in printed
    found = read(phasewise("summary", "net.keras", "--json")[1])
    assert list(found) == [
        "file",
        "model",
        "class",
        "inputs",
        "outputs",
        "layers",
        "parameters",
        "trainable_parameters",
        "bytes",
    ]
    assert found["inputs"] == [{"name": "image", "shape": [None, 8, 8, 1], "dtype": "float32"}]
    assert found["outputs"] == [[None, 3]]
    assert (found["parameters"], found["trainable_parameters"], found["bytes"]) == (67, 59, 268)
    assert found["layers"][1] == {
        "name": "bn",
        "class": "BatchNormalization",
        "output_shape": [[None, 6, 6, 4]],
        "parameters": 16,
        "trainable": True,
        "layers": [],
    }


def test_explain_says_what_each_layer_does_and_why(phasewise):
    status, printed, complaints = phasewise("explain", "net.keras")
    assert (status, complaints) == (0, "")
    assert "batch statistics, moving ones follow" in printed and "drops 50%" in printed and "\x1b" not in printed
    found = read(phasewise("explain", "net.keras", "--json", "--statistics", "batch")[1])
    assert list(found) == ["file", "model", "layers", "on_host"]
    assert [row["layer"] for row in found["layers"]] == ["bn", "drop"]
    row = found["layers"][0]
    assert list(row) == ["layer", "kind", "fit", "evaluate", "predict"]
    assert row["predict"] == {
        "phase": "inference",
        "action": "batch statistics",
        "statistics": "batch",
        "rule": 5,
        "reason": "predict",
    }
    status, printed, complaints = phasewise("explain", "net.keras", "--statistics", "bach")
    assert (status, printed) == (2, "") and "Did you mean 'batch'" in complaints


# -- converting


def test_convert_writes_what_the_ending_says(phasewise, files, tmp_path):
    model = pw.saving.load_model(files / "net.keras")
    x = np.load(files / "x.npy")
    wanted = model.predict(x, verbose=0)
    status, printed, _ = phasewise("convert", "net.keras", "out.stablehlo", "--fold")
    assert status == 0 and "out.stablehlo: its predictions, for JAX alone" in printed and "1 folded, 0 left" in printed
    program = jax.export.deserialize(bytearray((tmp_path / "out.stablehlo").read_bytes()))
    np.testing.assert_allclose(program.call(x), wanted, atol=1e-5)
    for name in ("out.weights.h5", "out.npz", "out.keras"):
        assert phasewise("convert", "net.keras", name)[0] == 0
    for name in ("out.weights.h5", "out.npz"):
        other = pw.saving.load_model(files / "net.keras")
        other.set_weights([0 * array for array in other.get_weights()])
        other.load_weights(tmp_path / name)
        np.testing.assert_array_equal(other.predict(x, verbose=0), wanted)
    np.testing.assert_array_equal(pw.saving.load_model(tmp_path / "out.keras").predict(x, verbose=0), wanted)
    found = read(phasewise("convert", "net.keras", "out.stablehlo", "--fold", "--json")[1])
    assert list(found) == ["input", "output", "format", "bytes", "model", "inputs", "folded", "not_folded"]
    assert (found["format"], found["folded"], found["not_folded"]) == ("stablehlo", ["bn"], {})
    assert found["bytes"] == (tmp_path / "out.stablehlo").stat().st_size


def test_what_cannot_be_converted_leaves_nothing(phasewise, tmp_path):
    status, printed, complaints = phasewise("convert", "plain.keras", "out.stablehlo", "--fold")
    assert (status, printed) == (1, "") and "has no batch normalization to fold" in complaints
    status, _, complaints = phasewise("convert", "net.keras", "out.npz", "--fold")
    assert status == 2 and "--fold makes a model for inference only" in complaints
    assert not list(tmp_path.iterdir())


def test_convert_writes_a_state_dict_of_pytorch_by_a_map(phasewise, files, tmp_path):
    model = pw.saving.load_model(files / "net.keras")
    names = {"0": model.layers[0].name, "1": "bn", "fc": "scores"}
    (tmp_path / "map.json").write_text(json.dumps({**names, "fc": {"layer": "scores"}}))
    status, printed, _ = phasewise("convert", "net.keras", "out.safetensors", "--torch", "map.json")
    assert status == 0 and "out.safetensors: a state dict of PyTorch's, 8 parameters" in printed
    assert "1 is to be made with eps=0.001, momentum=0.01, num_features=4" in printed
    wanted = [array.copy() for array in model.get_weights()]
    model.set_weights([0 * array for array in wanted])
    pw.saving.load_torch_weights(model, tmp_path / "out.safetensors", names)
    for found, array in zip(model.get_weights(), wanted):
        np.testing.assert_array_equal(found, array)
    found = read(phasewise("convert", "net.keras", "out.safetensors", "--torch", "map.json", "--json")[1])
    assert found["arguments"] == {"1": {"num_features": 4, "eps": 1e-3, "momentum": 0.01}}


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ('{"0": "bn"}', "out.npz", "--torch writes a state dict to .safetensors; not to .npz"),
        ('{"0": 3}', "out.safetensors", "'map.json' says {'layer': 3} of '0'; expected the name of a layer, as in {"),
        ('{"0": {"layer": "a", "flat": 1}}', "out.safetensors", "expected the name of a layer"),
        ('["a"]', "out.safetensors", "'map.json' holds list; expected an object"),
        ('{"0": "bn"}', "out.safetensors", "`names` says nothing of the layers 'conv2d"),
        (None, "out.safetensors", "there is no map from modules to layers to read"),
    ],
)
def test_a_map_that_says_something_else_is_told_and_nothing_written(phasewise, tmp_path, text, target, message):
    if text is not None:
        (tmp_path / "map.json").write_text(text)
    status, printed, complaints = phasewise("convert", "net.keras", target, "--torch", "map.json")
    assert status in (1, 2) and not printed and message in complaints
    assert not (tmp_path / target).exists()


# -- recalibrating


def test_recalibrate_gives_the_statistics_of_the_data(phasewise, files, tmp_path):
    x = np.load(files / "x.npy")
    status, printed, complaints = phasewise("recalibrate", "net.keras", "x.npy", "-o", "out.keras")
    assert (status, complaints) == (0, "")
    assert "Population statistics (layerwise)" in printed and "40 rows of" in printed
    old = pw.saving.load_model(files / "net.keras")
    seen = np.float64(pw.Model(old.inputs, old.layers[0].output).predict(x, verbose=0)).reshape(-1, 4)
    mean, variance = statistics(tmp_path / "out.keras")
    np.testing.assert_allclose(mean, seen.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(variance, seen.var(0), rtol=1e-4)
    for words in (("grey.npy",), ("x.npz", "--array", "x_test")):
        assert phasewise("recalibrate", "net.keras", *words, "-o", "again.keras")[0] == 0
        np.testing.assert_array_equal(statistics(tmp_path / "again.keras")[0], mean)


def test_recalibrate_as_json_and_with_a_scale_and_a_limit(phasewise, files, tmp_path):
    words = (
        "recalibrate",
        "net.keras",
        "x.npy",
        "-o",
        "out.keras",
        "--json",
        "--method",
        "precise",
        "--batch-size",
        "4",
    )
    found = read(phasewise(*words, "--limit", "10", "--scale", "1/2")[1])
    assert list(found) == ["file", "data", "output", "method", "layers"]
    assert found["data"] == {"path": str(files / "x.npy"), "kind": "npy", "rows": 10}
    assert found["method"] == "precise"
    assert list(found["layers"][0]) == ["layer", "values", "mean_shift", "variance_ratio", "mean", "variance"]
    assert found["layers"][0]["values"] == 10 * 36
    np.save(tmp_path / "half.npy", np.load(files / "x.npy")[:10] / 2)
    assert phasewise("recalibrate", "net.keras", "half.npy", "-o", "half.keras")[0] == 0
    np.testing.assert_allclose(statistics(tmp_path / "half.keras")[0], found["layers"][0]["mean"], rtol=1e-5, atol=1e-6)


def test_tables_with_and_without_names_of_columns(phasewise, tmp_path):
    table = RNG.normal(5, 2, (20, 3)).round(3)
    lines = [",".join(map(str, row)) for row in table]
    (tmp_path / "named.csv").write_text("\n".join(["height,width,age", *lines]))
    (tmp_path / "bare.csv").write_text("\n".join(lines) + "\n\n")
    (tmp_path / "labelled.csv").write_text(
        "\n".join(["height;kind;width;age", *(line.replace(",", ";cat;", 1).replace(",", ";") for line in lines)])
    )
    for words in (("named.csv",), ("bare.csv",), ("labelled.csv", "--drop", "kind")):
        assert phasewise("recalibrate", "table.keras", *words, "-o", "out.keras")[0] == 0
        mean, variance = statistics(tmp_path / "out.keras")
        np.testing.assert_allclose(mean, table.mean(0), rtol=1e-5)
        np.testing.assert_allclose(variance, table.var(0), rtol=1e-4)


def test_a_first_line_that_counts_is_taken_for_the_names_that_pandas_writes_and_told_of(phasewise, tmp_path):
    table = RNG.normal(5, 2, (20, 3)).round(3)
    (tmp_path / "counted.csv").write_text("\n".join(["0,1,2", *(",".join(map(str, row)) for row in table)]))
    status, _, complaints = phasewise("recalibrate", "table.keras", "counted.csv", "-o", "out.keras")
    assert status == 0 and "the first line of 'counted.csv' counts from 0 to 2: it is taken as the names" in complaints
    np.testing.assert_allclose(statistics(tmp_path / "out.keras")[0], table.mean(0), rtol=1e-5)


def test_numbers_of_rows_that_pandas_writes_are_no_feature(phasewise, tmp_path):
    table = RNG.normal(5, 2, (20, 3)).round(3)
    lines = [f"{place},{','.join(map(str, row))}" for place, row in enumerate(table)]
    (tmp_path / "indexed.csv").write_text("\n".join([",0,1,2", *lines]))
    status, _, complaints = phasewise("recalibrate", "table.keras", "indexed.csv", "-o", "out.keras")
    assert status == 0 and "not as a row; the column without a name is left out" in complaints
    np.testing.assert_allclose(statistics(tmp_path / "out.keras")[0], table.mean(0), rtol=1e-5)


def test_names_with_underscores_are_no_numbers(phasewise, tmp_path):
    (tmp_path / "places.csv").write_text("0_0,0_1,0_2\n4,5,6\n4,5,6")
    assert phasewise("recalibrate", "table.keras", "places.csv", "-o", "out.keras")[0] == 0
    np.testing.assert_allclose(statistics(tmp_path / "out.keras")[0], [4, 5, 6], rtol=1e-6)


def test_a_first_line_with_a_gap_is_refused_where_its_column_is_dropped_too(phasewise, tmp_path):
    (tmp_path / "years.csv").write_text(",2019,2020,2021\n0,1,2,3\n1,1,2,3")
    status, _, complaints = phasewise("recalibrate", "table.keras", "years.csv", "--drop", "1", "-o", "out.keras")
    assert status == 2 and "a value is missing in line 1, column 1 of" in complaints


ROWS = [[1, 2, 7], [4, 5, 6], [8, 8, 9]]
MIXED = {
    "a row with a category": "1,2,cat,7\n4,5,dog,6\n8,8,cat,9",
    "names that are years": "1999,2000,kind,2001\n1,2,cat,7\n4,5,dog,6\n8,8,cat,9",
}


@pytest.mark.parametrize("header", [None, "yes", "no"])
@pytest.mark.parametrize("name", MIXED)
def test_a_first_line_of_words_and_numbers_is_never_a_row_lost_in_silence(name, header, phasewise, tmp_path):
    (tmp_path / "mixed.csv").write_text(MIXED[name])
    words = ("--drop", "3", "-o", "out.keras", *(("--header", header) if header else ()))
    status, _, complaints = phasewise("recalibrate", "table.keras", "mixed.csv", *words)
    if header is None:
        assert (
            status == 2
            and "may be names of columns or a row. Say which, with --header yes or --header no" in complaints
        )
        return
    if name == "a row with a category":
        rows = ROWS[1:] if header == "yes" else ROWS
    else:
        rows = ROWS if header == "yes" else [[1999, 2000, 2001], *ROWS]
    np.testing.assert_allclose(statistics(tmp_path / "out.keras")[0], np.mean(rows, 0), rtol=1e-6)


def test_a_first_line_that_counts_is_a_row_where_that_is_said(phasewise, tmp_path):
    (tmp_path / "counted.csv").write_text("0,1,2\n4,5,6")
    status, _, complaints = phasewise("recalibrate", "table.keras", "counted.csv", "--header", "no", "-o", "out.keras")
    assert status == 0 and "counts from" not in complaints
    np.testing.assert_allclose(statistics(tmp_path / "out.keras")[0], [2, 3, 4], rtol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.float32(3), "has a single value where the model's input"),
        (np.full((4, 3), 1e300), "has NaN or infinity, or a value beyond float32"),
    ],
)
def test_arrays_that_are_no_rows_of_float32_are_mistakes(array, message, phasewise, tmp_path):
    np.save(tmp_path / "given.npy", array)
    status, printed, complaints = phasewise("recalibrate", "table.keras", "given.npy", "-o", "out.keras")
    assert (status, printed, complaints.count("\n")) == (2, "", 1) and message in complaints


BAD_TABLES = {
    "missing": ("a,b,c\n1,2,3\n1,,3", "a value is missing in line 3, column 2 ('b')"),
    "nan": ("1,2,3\n1,nan,3", "a value is missing in line 2, column 2 of"),
    "text": ("a,b,c\n1,2,cat", "'cat' in line 2, column 3 ('c')"),
    "infinite": ("1,2,inf", "'inf' in line 1, column 3"),
    "short": ("a,b,c\n1,2,3\n1,2", "line 3 of"),
    "wide": ("a,b,c,d\n1,2,3,4", "takes (rows, 3); leave out the columns that are no features"),
    "header alone": ("a,b,c\n", "has no rows below the names"),
    "empty": ("", "is empty"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_what_is_wrong_in_a_table_is_told_by_line_and_column(name, phasewise, tmp_path):
    content, message = BAD_TABLES[name]
    (tmp_path / "bad.csv").write_text(content)
    status, printed, complaints = phasewise("recalibrate", "table.keras", "bad.csv", "-o", "out.keras")
    assert (status, printed) == (2, "") and message in complaints
    assert complaints.count("\n") == 1 and not (tmp_path / "out.keras").exists()


def test_folders_of_images_in_classes_or_not(phasewise, tmp_path):
    images = pytest.importorskip("PIL.Image")
    pixels = RNG.integers(0, 255, (6, 8, 8), dtype=np.uint8)
    for number, each in enumerate(pixels):
        for folder in (tmp_path / "flat", tmp_path / "classes" / ("cat" if number % 2 else "dog")):
            folder.mkdir(parents=True, exist_ok=True)
            images.fromarray(each).save(folder / f"{number}.png")
    np.save(tmp_path / "pixels.npy", pixels)
    found = []
    for data in ("flat", "classes", "pixels.npy"):
        words = ("recalibrate", "net.keras", data, "-o", "out.keras", "--scale", "1/255", "--json")
        found.append(read(phasewise(*words)[1]))
    assert [each["data"]["kind"] for each in found] == ["images", "images", "npy"]
    assert {each["data"]["rows"] for each in found} == {6}
    for each in found[:2]:
        np.testing.assert_allclose(each["layers"][0]["mean"], found[2]["layers"][0]["mean"], rtol=1e-4, atol=1e-5)
    (tmp_path / "none").mkdir()
    status, _, complaints = phasewise("recalibrate", "net.keras", "none", "-o", "out.keras")
    assert status == 2 and "No file that ends in .bmp" in complaints
    status, _, complaints = phasewise("recalibrate", "table.keras", "flat", "-o", "out.keras")
    assert status == 2 and "takes (rows, 3): no images of 1, 3 or 4 channels" in complaints


MISTAKES = {
    "no file": ("summary net.kers", "'net.kers' does not exist"),
    "no model": ("explain x.npy", "is no model"),
    "space": ("summary space.keras", "space.keras' holds a FeatureSpace, which is no model"),
    "ending": ("recalibrate net.keras x.npy -o out", "'out' must end in one of .keras, .weights.h5"),
    "folder": ("convert net.keras gone/out.keras", "the folder 'gone' of 'gone/out.keras' does not exist"),
    "data": ("recalibrate net.keras gone.npy -o out.keras", "'gone.npy' does not exist"),
    "kind of data": ("recalibrate net.keras net.keras -o out.keras", "DATA is a .npy, .npz or .csv file or a folder of images"),
    "shape": ("recalibrate net.keras small.npy -o out.keras", "has the shape (40, 4, 8, 1), and the model's input 'image' takes (rows, 8, 8, 1)"),
    "rank": ("recalibrate sequences.keras x.npy -o out.keras", "takes (rows, 4, 3)"),
    "no rows": ("recalibrate net.keras empty.npy -o out.keras", "has no rows"),
    "one example": ("recalibrate net.keras single.npy -o out.keras", "is the first axis, of the rows, missing?"),
    "holes": ("recalibrate net.keras holes.npy -o out.keras", "(the first is 0) has NaN or infinity"),
    "strings": ("recalibrate net.keras names.npy -o out.keras", "takes numbers (float32)"),
    "several arrays": ("recalibrate net.keras x.npz -o out.keras", "say with --array which is the model's input: x_test, y_test"),
    "no array": ("recalibrate net.keras x.npz --array x_tst -o out.keras", "Did you mean 'x_test'"),
    "scale": ("recalibrate net.keras x.npy -o out.keras --scale 1/0", "--scale is a number or a fraction such as 1/255; got '1/0'"),
    "batch size": ("recalibrate net.keras x.npy -o out.keras --batch-size 0", "--batch-size is a number of rows, at least 1; got 0"),
    "option": ("recalibrate net.keras x.npy", "the following arguments are required: -o/--output"),
    "command": ("summry net.keras", "invalid choice: 'summry'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_one_line_with_status_2_and_nothing_is_written(name, phasewise, tmp_path):
    words, message = MISTAKES[name]
    status, printed, complaints = phasewise(*words.split())
    assert (status, printed) == (2, "") and message in complaints
    assert complaints.splitlines()[-1].startswith("phasewise")
    assert not list(tmp_path.iterdir())


def test_what_fails_has_status_1_and_ctrl_c_130_and_the_old_file_stays(phasewise, tmp_path, monkeypatch):
    status, _, complaints = phasewise("recalibrate", "plain.keras", "table.csv", "-o", "out.keras")
    assert status == 2
    np.save(tmp_path / "rows.npy", np.ones((4, 3), "float32"))
    status, _, complaints = phasewise("recalibrate", "plain.keras", "rows.npy", "-o", "out.keras")
    assert status == 1 and "has no batch normalization layer to recalibrate" in complaints
    (tmp_path / "out.keras").write_bytes(b"old")

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(pw.Model, "save", interrupted)
    status, _, complaints = phasewise("recalibrate", "net.keras", "x.npy", "-o", "out.keras")
    assert (status, complaints) == (130, "phasewise recalibrate: interrupted.\n")
    assert (tmp_path / "out.keras").read_bytes() == b"old"


def test_version_and_help_with_an_example_each(phasewise):
    assert phasewise("--version")[1].startswith(f"phasewise {pw.__version__} (JAX ")
    for command in ("summary", "explain", "convert", "recalibrate", "audit", "adapt"):
        status, printed, _ = phasewise(command, "--help")
        assert status == 0 and f"example:\n  phasewise {command} model.keras" in printed


def test_a_file_of_keras_is_mended_and_goes_back_to_keras(phasewise, tmp_path):
    import keras

    inputs = keras.Input((3,), name="row")
    x = keras.layers.BatchNormalization(name="bn")(keras.layers.Dense(4)(inputs))
    x = keras.layers.Dropout(0.5)(keras.layers.ReLU()(x))
    keras.Model(inputs, keras.layers.Dense(2)(x), name="net").save(tmp_path / "keras.keras")
    live = RNG.normal(3, 2, (20, 3)).astype("float32")
    np.save(tmp_path / "live.npy", live)
    assert "moving statistics" in phasewise("explain", "keras.keras")[1]
    assert phasewise("recalibrate", "keras.keras", "live.npy", "-o", "mended.keras")[0] == 0
    assert phasewise("convert", "mended.keras", "mended.stablehlo", "--fold")[0] == 0
    old, mended = (keras.models.load_model(tmp_path / name) for name in ("keras.keras", "mended.keras"))
    kernel, bias = map(np.float64, old.layers[1].get_weights())
    seen = live @ kernel + bias
    np.testing.assert_allclose(mended.get_layer("bn").moving_mean, seen.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mended.get_layer("bn").moving_variance, seen.var(0), rtol=1e-4)
    served = pw.export.load(tmp_path / "mended.stablehlo").predict(live)
    np.testing.assert_allclose(served, mended(live), rtol=1e-4, atol=1e-5)


def test_python_m_phasewise_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["phasewise", "summary", "nothing.keras"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("phasewise", run_name="__main__")
    assert ended.value.code == 2 and "nothing.keras" in capsys.readouterr().err
