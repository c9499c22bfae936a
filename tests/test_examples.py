"""The examples on real data: what they print is what the README says."""

import pathlib
import re
import runpy

import pytest

pytestmark = pytest.mark.as_for_users

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def percentages(printed, row):
    """The numbers of the first line that begins with `row`, in percent."""
    line = next(line for line in printed.splitlines() if line.strip().startswith(row))
    return [float(number) for number in re.findall(r"([\d.]+)%", line)]


@pytest.mark.extensive
def test_digits_are_recognised_and_batch_statistics_give_back_what_light_takes(capsys):
    runpy.run_path(str(EXAMPLES / "digits.py"), run_name="__main__")
    printed = capsys.readouterr().out
    moving, batch = percentages(printed, "as they are")
    assert moving >= 97
    assert batch >= 96
    for light in ("brighter", "both"):
        moving, batch = percentages(printed, light)
        assert moving < 70
        assert batch >= 96


@pytest.mark.extensive
def test_fine_tuning_tells_what_a_frozen_and_an_unfrozen_normalization_do(capsys):
    runpy.run_path(str(EXAMPLES / "fine_tuning.py"))["main"](epochs=5)
    printed = capsys.readouterr().out
    (known,) = percentages(printed, "0 to 4 learnt")
    head, frozen, unfrozen = (
        percentages(printed, stage) for stage in ("head for 5 to 9", "convolutions too", "normalization unfrozen")
    )
    assert known >= 97
    assert head[0] == known
    assert min(head[1], frozen[1], unfrozen[1]) >= 97
    assert printed.count("as before, to the bit") == 2
    assert printed.count("follow the new digits") == 1
    changed = printed.split("What is done differently now:")[1].splitlines()[1:]
    assert changed == [
        f"  bn_{number} in fit: moving statistics (frozen) -> batch statistics, moving ones follow (fit)"
        for number in (1, 2, 3)
    ]


@pytest.mark.extensive
def test_a_residual_network_along_one_axis_recognises_digits_whatever_is_beside_them(capsys):
    runpy.run_path(str(EXAMPLES / "residual_1d.py"))["main"](epochs=6)
    printed = capsys.readouterr().out
    moving, batch = percentages(printed, "held-out digits recognised")
    assert min(moving, batch) >= 97
    assert printed.count("batch statistics, moving ones follow") == 6
    changes = next(line for line in printed.splitlines() if line.startswith("change of a digit")).split()[-2:]
    assert changes[0] == "0"
    assert float(changes[1]) > 0.1


def test_a_residual_network_recognises_digits_and_its_normalizations_fold_away(capsys):
    runpy.run_path(str(EXAMPLES / "residual_digits.py"))["main"](epochs=4)
    printed = capsys.readouterr().out
    assert percentages(printed, "held-out digits recognised")[0] >= 97
    assert printed.count("batch statistics, moving ones follow") == 9
    assert "normalizations folded           9 of 9" in printed
    assert float(printed.split("largest change of a probability")[1]) < 1e-5


def test_an_lstm_with_normalization_inside_recognises_digits_row_by_row(capsys):
    runpy.run_path(str(EXAMPLES / "recurrent_digits.py"))["main"](epochs=20)
    printed = capsys.readouterr().out
    assert percentages(printed, "held-out digits recognised, moving")[0] >= 97
    assert percentages(printed, "held-out digits recognised, population")[0] >= 97
    assert printed.count("batch statistics, moving ones follow") == 3


def test_a_gan_makes_digits_and_says_in_which_phase_each_of_its_calls_is(capsys):
    runpy.run_path(str(EXAMPLES / "gan.py"))["main"](epochs=40)
    printed = capsys.readouterr().out
    before, after = (float(re.search(rf"digits {when} +([\d.]+)", printed)[1]) for when in ("before", "after"))
    assert after < before / 3
    assert printed.count("drops 30%") == 2  # once to learn to tell apart, once for the generator to learn from it
    assert "generator_bn (call 2)" in printed


@pytest.mark.extensive
def test_a_student_learns_from_a_teacher_whose_statistics_stay(capsys):
    runpy.run_path(str(EXAMPLES / "distillation.py"))["main"](epochs=20)
    printed = capsys.readouterr().out
    teacher, alone, distilled = (
        percentages(printed, f"held-out digits recognised, {who}")[0]
        for who in ("teacher", "student alone", "student distilled")
    )
    assert teacher >= 97
    assert distilled > alone + 8
    assert "as before, to the bit" in printed


@pytest.mark.extensive
def test_penalties_on_slopes_hold_them_where_they_are_to_be(capsys):
    runpy.run_path(str(EXAMPLES / "gradient_penalty.py"))["main"](epochs=10)
    printed = capsys.readouterr().out
    plain, smooth = (percentages(printed, f"penalty {penalty}") for penalty in ("0.0", "0.3"))
    assert min(plain[0], smooth[0]) >= 95
    assert smooth[1] > plain[1] + 20
    distance, slope = re.search(r"critic: distance ([\d.]+) of 2, slope ([\d.]+)", printed).groups()
    assert abs(float(distance) - 2) < 0.3
    assert abs(float(slope) - 1) < 0.2


@pytest.mark.extensive
def test_the_audit_names_the_shift_and_its_remedy_and_adapting_gives_it_back(capsys, tmp_path):
    runpy.run_path(str(EXAMPLES / "shift.py"))["main"](
        epochs=100,
        methods=("adabn", "note", "lame"),
        page=tmp_path / "shift.html",
        corruptions=("contrast", "fog", "occlusion"),
    )
    printed = capsys.readouterr().out
    assert "the audit of it: No shift was found" in printed
    assert "It begins at the input: it shows in 'bn_edges'" in printed
    assert "Batch statistics undo it" in printed
    assert "The data have shifted" in (tmp_path / "shift.html").read_text(encoding="utf-8")
    mixed, runs = (percentages(part, "mean") for part in printed.split("digits in any order")[1].split("In runs"))
    moving, batch, adabn, _, _ = mixed
    assert max(batch, adabn) < moving - 20
    moving, batch, _, note, lame = runs
    assert batch > moving + 3
    assert max(note, lame) < moving + 2
