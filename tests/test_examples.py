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
