"""The demo: what it finds, what it prints, what it draws, and what it says of wrong options."""

import builtins
import json

import numpy as np
import pytest

from phasewise.cli.entry import main
from phasewise.demo import experiment, figure

SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def found():
    """The experiment with the default seed, run once."""
    return experiment.run(18)


@pytest.fixture
def demo(found, monkeypatch, capsys, tmp_path):
    """`phasewise demo` in an empty folder; returns (exit status, printed, complaints) and trains nothing."""
    monkeypatch.setattr(experiment, "run", lambda seed, on_trained=None: found)
    monkeypatch.chdir(tmp_path)

    def run(*options):
        status = main(["demo", *options])
        return status, *capsys.readouterr()

    return run


def png_size(path):
    """(width, height) in pixels, from the header."""
    content = path.read_bytes()
    assert content.startswith(SIGNATURE)
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def without_matplotlib(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_the_whole_demo_runs_and_its_seed_is_the_one_given(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "EPOCHS", 2)
    path = tmp_path / "figure.svg"
    assert main(["demo", "--json", "--seed", "3", "--out", str(path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["seed"] == 3
    assert printed["figure"] == str(path)
    assert "<svg" in path.read_text()


def test_moving_statistics_fail_on_data_that_have_moved_and_batch_statistics_do_not(demo):
    status, printed, _ = demo("--json")
    assert status == 0
    moving, batch, pinned = json.loads(printed)["accuracy"]
    assert [moving["predict"], batch["predict"]] == ["moving statistics", "batch statistics"]
    assert moving["model"] == batch["model"] == "BatchNormalization()(x)"
    assert pinned["model"] == "BatchNormalization()(x, training=True)"
    assert moving["unshifted"] >= 0.95
    assert abs(moving["shifted"] - 0.5) <= 0.05
    assert batch["shifted"] >= 0.8
    assert pinned["shifted"] >= 0.8


def test_json_says_what_each_layer_does_and_why(demo):
    _, printed, _ = demo("--json")
    plain, pinned = json.loads(printed)["explain"].values()
    for rows in (plain, pinned):
        assert [row["layer"] for row in rows] == ["bn_input", "bn_hidden"]
    for row in plain:
        assert (row["fit"]["statistics"], row["predict"]["statistics"]) == ("batch", "moving")
        assert (row["predict"]["phase"], row["predict"]["reason"]) == ("inference", "predict")
    for row in pinned:
        assert row["predict"]["statistics"] == "batch"
        assert (row["predict"]["phase"], row["predict"]["reason"]) == ("training", "pinned at its call")


def test_json_gives_times_that_a_run_can_have(demo):
    result = json.loads(demo("--json")[1])
    assert set(result) == {"seed", "accuracy", "explain", "fit_seconds", "step_seconds", "seconds", "figure"}
    for name, seconds in result["fit_seconds"].items():
        assert 0 < result["step_seconds"][name] * 3130 < seconds < result["seconds"]


def test_the_figure_is_a_png_of_a_sensible_size_that_is_not_blank(demo, tmp_path):
    _, printed, _ = demo("--json", "--out", "figure.png")
    path = tmp_path / "figure.png"
    assert json.loads(printed)["figure"] == str(path)
    width, height = png_size(path)
    assert 800 <= width <= 2000
    assert 500 <= height <= 1600
    assert 20_000 < path.stat().st_size < 500_000


def test_the_figure_shows_the_statistics_and_the_displaced_rows(found, monkeypatch, tmp_path):
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **options: drawn.append(self))
    figure.draw(found.trained[0], found.shifted, tmp_path / "figure.png")
    axes = drawn[0].axes
    titles = [a.get_title() for a in axes]
    assert [title.split(":")[0] for title in titles] == ["bn_input", "bn_input", "bn_hidden", "bn_hidden"]
    assert "mean of the input is off by 0.0 standard deviations" in titles[1]
    mean = np.mean(found.shifted.x)
    layer = found.trained[0].model.get_layer("bn_input")
    off = abs(mean - layer.moving_mean.numpy()[0]) / np.sqrt(layer.moving_variance.numpy()[0])
    assert f"off by {off:.1f} standard deviations" in titles[0]
    assert all(len(a.collections[-1].get_offsets()) in (100, 800) for a in axes)
    assert axes[0].get_xlim() == axes[1].get_xlim()


def test_the_tables_fit_a_terminal_and_agree_with_the_numbers(demo, found, tmp_path):
    status, printed, complaints = demo()
    assert status == 0
    assert complaints == ""
    lines = printed.splitlines()
    assert max(len(line.rstrip()) for line in lines if not line.startswith("Figure")) <= 108
    for outcome in found.outcomes:
        row = next(line for line in lines if outcome.model in line and outcome.predict in line)
        assert row.split()[-2:] == [f"{outcome.unshifted:.2f}", f"{outcome.shifted:.2f}"]
    assert printed.count('What the switch does in "classifier"') == 2
    assert "└ pinned at its call" in printed
    assert lines[-1] == f"Figure: {tmp_path / 'phasewise-demo.png'}"
    assert (tmp_path / "phasewise-demo.png").exists()


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_without_matplotlib_the_rest_is_shown_and_the_way_to_install_it_said(demo, monkeypatch, options, tmp_path):
    without_matplotlib(monkeypatch)
    status, printed, complaints = demo(*options)
    assert status == 0
    assert complaints == "phasewise demo: no figure, for want of matplotlib: pip install 'phasewise[plot]'\n"
    assert "Figure" not in printed
    assert not options or json.loads(printed)["figure"] is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "nowhere/figure.png"], "the folder of --out nowhere/figure.png does not exist."),
        (["--out", "."], "--out . is a folder; give a file, such as phasewise-demo.png."),
        (["--out", "figure"], "--out figure must end in one of .pdf, .png, .svg."),
        (["--out", "figure.xyz"], "--out figure.xyz must end in one of .pdf, .png, .svg."),
        (["--seed", "-1"], "--seed is a whole number from 0 to 4294967295; got -1."),
        (["--seed", "4294967296"], "--seed is a whole number from 0 to 4294967295; got 4294967296."),
    ],
)
def test_a_wrong_option_is_explained_before_anything_is_trained(demo, monkeypatch, options, message):
    def never(*args):
        raise AssertionError("trained")

    monkeypatch.setattr(experiment, "run", never)
    assert demo(*options) == (2, "", f"phasewise demo: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--seed", "one"], "argument --seed: invalid int value: 'one'"),
        (["dmo"], "invalid choice: 'dmo'"),
        ([], "the following arguments are required: command"),
    ],
)
def test_what_the_command_line_does_not_know_ends_with_status_2(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_figure_that_cannot_be_written_costs_no_result(demo, monkeypatch):
    def fail(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(figure, "draw", fail)
    status, printed, complaints = demo("--json")
    assert status == 1
    assert json.loads(printed)["figure"] is None
    assert complaints == "phasewise demo: the figure could not be written to phasewise-demo.png: Permission denied.\n"
