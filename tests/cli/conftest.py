"""The command line in a folder of its own."""

import pytest

from phasewise.cli.entry import main


@pytest.fixture
def phasewise(files, capsys, tmp_path, monkeypatch):
    """Runs a command in an empty folder, names of the prepared files in place; returns (exit status, printed, complaints)."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        words = [str(files / word) if (files / word).exists() else word for word in words]
        try:
            status = main(words)
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return run
