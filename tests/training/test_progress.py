"""Progress: what a person sees in a log, in a terminal and in a notebook."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
import types

import numpy as np
import pytest

import phasewise as pw
from phasewise.layers import Dense
from phasewise.training.progress import Lines, Notebook, Silent, Terminal, make_progress
from phasewise.training.progress.lines import duration, number
from phasewise.training.progress.live import folded

X, Y = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32), np.ones((40, 1), np.float32)
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture(scope="module")
def model():
    net = pw.Sequential([pw.Input((3,)), Dense(1)])
    net.compile("sgd", "mse", metrics=["mae"])
    return net


@pytest.fixture
def narrow(monkeypatch):
    """Terminals of 60 columns that can do what an ordinary one can."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def play(progress, epochs=2, between=lambda epoch: None):
    """The calls that `fit` makes."""
    for epoch in range(epochs):
        progress.epoch_begin(epoch, epochs, 20)
        progress.running()
        progress.update(10, {"loss": 0.5})
        between(epoch)
        progress.update(20, {"loss": 0.25})
        progress.end(20, {"loss": 0.25, "val_loss": 0.125})
    progress.close()


@pytest.mark.parametrize("verbose", [2, 1, "auto"])
def test_in_a_log_an_epoch_is_one_line_with_names_and_values(model, capsys, verbose):
    history = model.fit(X, Y, epochs=3, batch_size=20, validation_data=(X, Y), verbose=verbose).history
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert len(lines) == 3
    assert printed.endswith("\n") and "\x1b" not in printed and "\r" not in printed
    for epoch, line in enumerate(lines):
        values = "  ".join(f"{name} {values[epoch]:.4f}" for name, values in history.items())
        assert re.fullmatch(rf"Epoch {epoch + 1}/3  2 steps  [\d.e+]+ (µs|ms|s)/step  {re.escape(values)}", line), line
    assert list(history) == ["loss", "mae", "val_loss", "val_mae"]


def test_evaluate_and_predict_are_one_line_each(model, capsys):
    loss, mae = model.evaluate(X, Y, batch_size=40, verbose=2)
    model.predict(X, batch_size=40, verbose=2)
    evaluated, predicted = capsys.readouterr().out.splitlines()
    assert evaluated.startswith("evaluate  1 step  ") and evaluated.endswith(f"/step  loss {loss:.4f}  mae {mae:.4f}")
    assert re.fullmatch(r"predict  \d+ steps?  [\d.]+ (µs|ms|s)/step", predicted)


def test_verbose_0_shows_nothing(model, capsys):
    model.fit(X, Y, epochs=2, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert capsys.readouterr() == ("", "")


def test_epochs_are_aligned_in_their_column():
    stream = io.StringIO()
    play(Lines(stream), epochs=10)
    labels = [line.split("  20 steps")[0] for line in stream.getvalue().splitlines()]
    assert labels == [f"Epoch {n:>2}/10" for n in range(1, 11)]


def test_the_time_of_a_step_counts_neither_compilation_nor_validation(monkeypatch):
    clock = iter([0.0, 100.0, 101.0, 500.0])  # begun, compiled, the last step, after validation
    monkeypatch.setattr(
        "phasewise.training.progress.lines.time", types.SimpleNamespace(perf_counter=lambda: next(clock))
    )
    lines = Lines(io.StringIO())
    lines.epoch_begin(0, 1, 10)
    lines.running()
    lines.update(10, {})
    assert lines.line(10, {}) == "Epoch 1/1  10 steps  100 ms/step"


@pytest.mark.parametrize(
    ("verbose", "stream", "display"),
    [
        (0, Tty(), Silent),
        (1, Tty(), Terminal),
        ("auto", Tty(), Terminal),
        (2, Tty(), Lines),
        (1, io.StringIO(), Lines),
        ("auto", io.StringIO(), Lines),
        ("auto", types.SimpleNamespace(write=None), Lines),
    ],
)
def test_the_display_follows_verbosity_and_stream(verbose, stream, display):
    assert type(make_progress(verbose, stream=stream)) is display


@pytest.mark.parametrize(("verbose", "display"), [(0, Silent), (1, Notebook), ("auto", Notebook), (2, Lines)])
def test_in_a_notebook_the_line_rewrites_itself(monkeypatch, verbose, display):
    for name in ("IPython", "ipykernel"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    assert type(make_progress(verbose, stream=io.StringIO())) is display


def test_a_notebook_gets_carriage_returns_and_no_escape_codes():
    stream = io.StringIO()
    play(Notebook(stream))
    text = stream.getvalue()
    assert "\x1b" not in text
    first, second, after = text.split("\n")
    assert after == ""
    for epoch, line in ((1, first), (2, second)):
        states = line.split("\r")
        assert states[0] == ""
        assert states[1].startswith(f"Epoch {epoch}/2  0/20")
        assert re.fullmatch(rf"Epoch {epoch}/2  20 steps  .*/step  loss 0.2500  val_loss 0.1250 *", states[-1])
        longest = max(len(state.rstrip()) for state in states)
        assert len(states[-1]) >= len(states[-2].rstrip()) and longest < 80
    assert "compiling" in first and "compiling" not in second


def test_a_notebook_that_is_stopped_leaves_its_line_and_goes_to_the_next():
    stream = io.StringIO()
    progress = Notebook(stream)
    progress.epoch_begin(0, 5, 20)
    progress.close()
    assert stream.getvalue() == "\rEpoch 1/5  0/20  compiling\n"


def test_a_terminal_keeps_one_finished_line_an_epoch_and_gives_the_cursor_back(narrow):
    stream = Tty()
    play(Terminal(stream))
    text = stream.getvalue()
    assert HIDE in text and text.rindex(SHOW) > text.rindex(HIDE)
    plain = ESCAPE.sub("", text)
    assert "Epoch 1/2 ━━━━━━━ 0/20 compiling" in plain
    assert "20/20" in plain  # the bar is full before validation begins
    assert len(re.findall(r"Epoch \d/2  20 steps  ", plain)) == 2
    shown = [row for part in plain.split("\n") for row in part.split("\r")]
    assert max(map(len, shown)) <= 60


def test_in_a_narrow_terminal_the_name_stays_and_the_end_of_the_status_goes(narrow):
    stream = Tty()
    progress = Terminal(stream)
    progress.epoch_begin(0, 100, 625)
    progress.running()
    progress.update(625, {f"a_metric_with_a_long_name_{i}": 0.5 for i in range(4)})
    progress.close()
    rows = [row for row in re.split(r"[\r\n]", ESCAPE.sub("", stream.getvalue())) if "a_metric" in row]
    assert rows
    for row in rows:
        assert row.startswith("Epoch   1/100 ━")
        assert " 625/625 " in row
        assert row.rstrip().endswith("…")
        assert len(row.rstrip()) <= 60


def test_a_terminal_folds_a_long_line_between_its_parts(narrow):
    stream = Tty()
    progress = Terminal(stream)
    progress.epoch_begin(8, 10, 625)
    progress.end(625, dict.fromkeys(("loss", "accuracy", "precision", "recall", "val_loss"), 0.5))
    progress.close()
    rows = [row for row in re.split(r"[\r\n]", ESCAPE.sub("", stream.getvalue())) if "0.5000" in row]
    assert rows[0].startswith("Epoch  9/10  625 steps  ")
    assert [row.strip() for row in rows[1:]] == ["accuracy 0.5000  precision 0.5000", "recall 0.5000  val_loss 0.5000"]
    assert all(row.startswith(" " * 13) for row in rows[1:])
    assert max(map(len, rows)) <= 60


@pytest.mark.parametrize(
    ("line", "width", "wanted"),
    [
        ("Epoch  1/10  2 steps  loss 1", 80, "Epoch  1/10  2 steps  loss 1"),
        ("Epoch 1/2  2 steps  loss 1  mae 2", 28, "Epoch 1/2  2 steps  loss 1\n    mae 2"),
        ("Epoch 1/2  loss 1  mae 2", 10, "Epoch 1/2\n    loss 1\n    mae 2"),
        ("evaluate  a_name_that_is_longer_than_all 1", 8, "evaluate\n    a_name_that_is_longer_than_all 1"),
    ],
)
def test_folding_keeps_every_part_whole(line, width, wanted):
    assert folded(line, width, "    ") == wanted


SCRIPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process started in the background ignores it
import numpy as np
import phasewise as pw

model = pw.Sequential([pw.Input((3,)), pw.layers.Dense(1)])
model.compile("sgd", "mse")

class Speaks(pw.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch < 2:
            print(f"said after {epoch}")

try:
    model.fit(np.ones((64, 3)), np.ones((64, 1)), epochs=10**6, callbacks=[Speaks()])
except KeyboardInterrupt:
    print("stopped")
"""


def test_ctrl_c_in_a_terminal_leaves_the_cursor_and_what_callbacks_printed():
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    text, asked = "", False
    while True:
        try:
            text += os.read(ours, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            break
        if not asked and "Epoch       5/1000000  2 steps" in text:
            process.send_signal(signal.SIGINT)
            asked = True
    os.close(ours)
    assert process.wait(timeout=30) == 0, text[-2000:]
    assert HIDE in text and text.rindex(SHOW) > text.rindex(HIDE)
    rows = [row.strip() for row in re.split(r"[\r\n]+", ESCAPE.sub("", text)) if row.strip()]
    assert rows[-1] == "stopped"
    for epoch in (0, 1):
        said = rows.index(f"said after {epoch}")
        assert any(row.startswith(f"Epoch       {epoch + 1}/1000000  2 steps") for row in rows[:said])


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.0, "0.0000"),
        (0.5, "0.5000"),
        (-0.25, "-0.2500"),
        (0.001, "0.0010"),
        (0.00099, "9.900e-04"),
        (-1e-7, "-1.000e-07"),
        (999.9, "999.9000"),
        (1000.0, "1.000e+03"),
        (12, "12.0000"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        ("text", "text"),
    ],
)
def test_a_number_has_four_digits(value, wanted):
    assert number(value) == wanted


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (18e-6, "18 µs"),
        (8.724e-6, "8.72 µs"),
        (2.4e-3, "2.4 ms"),
        (0.43, "430 ms"),
        (1.3, "1.3 s"),
        (59.0, "59 s"),
        (0.9996e-3, "1 ms"),
        (0.9999, "1 s"),
        (1500.0, "1500 s"),
        (0.0, "0 µs"),
    ],
)
def test_a_duration_has_its_unit(seconds, wanted):
    assert duration(seconds) == wanted
