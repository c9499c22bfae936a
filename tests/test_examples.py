"""The examples on real data: what they print is what the README says."""

import pathlib
import re
import runpy

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def percentages(printed, row):
    """The numbers of the first line that begins with `row`, in percent."""
    line = next(line for line in printed.splitlines() if line.strip().startswith(row))
    return [float(number) for number in re.findall(r"([\d.]+)%", line)]


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


def test_fine_tuning_keeps_what_was_known_unless_normalization_is_left_unfrozen(capsys):
    runpy.run_path(str(EXAMPLES / "fine_tuning.py"), run_name="__main__")
    frozen, unfrozen = capsys.readouterr().out.split("left unfrozen")
    known, *_ = percentages(frozen, "0 to 4 learnt")
    assert percentages(frozen, "head for 5 to 9")[0] == known
    assert "bit for bit as before: yes" in frozen
    head, tuned = percentages(frozen, "head for 5 to 9")[1], percentages(frozen, "backbone unfrozen")[1]
    assert known > 97
    assert tuned > head > 90
    assert percentages(unfrozen, "head for 5 to 9")[0] < known - 3
    assert "bit for bit as before: NO" in unfrozen


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
