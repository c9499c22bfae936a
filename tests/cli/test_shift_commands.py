"""audit and adapt at the command line: what they print, write, and exit with."""

import json

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 3)).astype("float32")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a model that fits x.npy, data beside it, and what is no data."""
    folder = tmp_path_factory.mktemp("files")
    pw.set_random_seed(0)
    chain = [layers.BatchNormalization(name="bn", momentum=0.99), layers.Dense(3, activation="softmax")]
    model = pw.Sequential([pw.Input((3,), name="row"), *chain], name="net")
    pw.recalibrate(model, X, verbose=0)
    model.save(folder / "net.keras")
    np.save(folder / "x.npy", X)
    np.save(folder / "moved.npy", X + np.float32([0, 2, 0]))
    np.save(folder / "few.npy", X[:5])
    np.save(folder / "y.npy", np.arange(96) % 3)
    np.save(folder / "gap.npy", np.where(np.arange(96) == 7, np.nan, 1))
    np.savetxt(folder / "y.csv", np.arange(96) % 3, fmt="%d")
    return folder


def test_audit_exits_with_3_where_the_data_have_shifted_and_0_where_not(phasewise, tmp_path):
    status, printed, complaints = phasewise("audit", "net.keras", "moved.npy", "--report", "shift.html")
    assert (status, complaints) == (3, "")
    assert printed.startswith("The data have shifted") and "displaced" in printed and "The page: shift.html" in printed
    page = (tmp_path / "shift.html").read_text(encoding="utf-8")
    assert "The data have shifted" in page and "http://" not in page.replace("http://www.w3.org", "")
    status, printed, complaints = phasewise("audit", "net.keras", "x.npy")
    assert (status, complaints) == (0, "") and "fits" in printed


def test_audit_as_json_with_labels(phasewise):
    for labels in ("y.npy", "y.csv"):
        status, printed, _ = phasewise("audit", "net.keras", "moved.npy", "--json", "--labels", labels)
        found = json.loads(printed)
        assert status == 3 and found["verdict"]["is_shifted"] and found["verdict"]["first"] == "bn"
        assert found["data"]["rows"] == 96 and found["against"] == "moving statistics"
        assert found["remedies"]["tried"][0]["accuracy"] is not None


@pytest.mark.extensive
def test_audit_against_reference_data(phasewise):
    status, printed, _ = phasewise("audit", "net.keras", "moved.npy", "--reference", "moved.npy")
    assert status == 0 and "against reference data" in printed
    assert phasewise("audit", "net.keras", "moved.npy", "--reference", "x.npy", "--json")[0] == 3


def test_adapt_writes_a_model_that_fits_the_data(phasewise, tmp_path):
    status, printed, complaints = phasewise("adapt", "net.keras", "moved.npy", "-o", "out.keras")
    assert (status, complaints) == (0, "") and "out.keras: adapted to 96 rows of" in printed
    assert phasewise("audit", str(tmp_path / "out.keras"), "moved.npy")[0] == 0


@pytest.mark.extensive
def test_what_was_adapted_batch_by_batch_is_written_with_the_statistics_of_the_data(phasewise, tmp_path):
    words = ("adapt", "net.keras", "moved.npy", "-o", "out.keras", "--method")
    assert "by tent" in phasewise(*words, "tent")[1]
    assert phasewise("audit", str(tmp_path / "out.keras"), "moved.npy")[0] == 0
    assert json.loads(phasewise(*words, "eata", "--source", "x.npy", "--json")[1])["method"] == "eata"
    assert phasewise("audit", str(tmp_path / "out.keras"), "moved.npy")[0] == 0


MISTAKES = {
    "reference": ("audit net.keras x.npy --reference y.pny", 2, "'y.pny' does not exist"),
    "alpha": ("audit net.keras x.npy --alpha 2", 2, "--alpha, how often an alarm may be false, is above 0 and up to 0.5; got 2"),
    "page": ("audit net.keras x.npy -o shift.pdf", 2, "its name ends in .html; got 'shift.pdf'"),
    "folder": ("audit net.keras x.npy -o gone/shift.html", 2, "the folder 'gone' of 'gone/shift.html' does not exist"),
    "labels": ("audit few.npy few.npy --labels gone.npy", 2, "'gone.npy' does not exist"),
    "number of labels": ("audit net.keras few.npy --labels y.npy", 2, "has 96 labels for 5 rows"),
    "missing label": ("audit net.keras x.npy --labels gap.npy", 2, "row 7 of"),
    "few rows": ("audit net.keras few.npy", 1, "audit needs at least 8 rows"),
    "method": ("adapt net.keras x.npy -o out.keras --method tnet", 2, "Did you mean 'tent'"),
    "outputs only": ("adapt net.keras x.npy -o out.keras --method lame", 2, "changes predictions and not the model"),
    "no source": ("adapt net.keras x.npy -o out.keras --method eata", 2, "needs rows that the model was trained on: --source"),
    "source": ("adapt net.keras x.npy -o out.keras --source x.npy", 2, "--source is for the method 'eata'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line_and_nothing_is_written(name, phasewise, tmp_path):
    words, status, message = MISTAKES[name]
    found, printed, complaints = phasewise(*words.split())
    assert (found, printed) == (status, "") and complaints.count("\n") == 1
    assert message in complaints
    assert not list(tmp_path.iterdir())


def test_labels_of_images_come_in_the_order_of_their_names_or_beside_them(phasewise, tmp_path):
    images = pytest.importorskip("PIL.Image")
    rng, classes = np.random.default_rng(0), np.arange(24) % 3
    x = np.where(np.arange(3) == classes[:, None], 200, rng.integers(0, 60, (24, 3))).reshape(24, 3, 1, 1)
    chain = [layers.BatchNormalization(name="bn"), layers.Flatten(), layers.Dense(3, activation="softmax")]
    model = pw.Sequential([pw.Input((3, 1, 1)), *chain])
    pw.recalibrate(model, x / 255, verbose=0)
    model.layers[-1].set_weights([3 * np.eye(3), np.zeros(3)])
    model.save(tmp_path / "pictures.keras")
    (tmp_path / "photos").mkdir()
    for number, each in enumerate(x.astype("uint8")):
        images.fromarray(each[..., 0]).save(tmp_path / "photos" / f"{number:02d}.png")
    np.save(tmp_path / "classes.npy", classes)
    lines = [f"{number:02d}.png,{label}" for number, label in enumerate(classes)]
    (tmp_path / "named.csv").write_text("\n".join(["file,label", *lines[::-1]]))
    words = ("audit", "pictures.keras", "photos", "--scale", "1/255", "--json", "--labels")
    for labels in ("classes.npy", "named.csv"):
        status, printed, complaints = phasewise(*words, labels)
        assert status in (0, 3), complaints
        assert json.loads(printed)["remedies"]["tried"][0]["accuracy"] == 1
    (tmp_path / "few.csv").write_text("\n".join(lines[:20]))
    status, _, complaints = phasewise(*words, "few.csv")
    assert status == 2 and "has no label for 4 of 24 images, the first of them '20.png'" in complaints
    (tmp_path / "words.csv").write_text("\n".join(line.replace(",0", ",zero") for line in lines))
    status, _, complaints = phasewise(*words, "words.csv")
    assert status == 2 and "the label of '00.png' in 'words.csv' is 'zero': it is the number of a class" in complaints
