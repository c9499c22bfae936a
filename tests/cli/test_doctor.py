"""`phasewise doctor` tells what computes, and why native kernels do not where they do not."""

import json
import os
import subprocess
import sys

import jax

from phasewise.cli.entry import main


def test_it_tells_devices_threads_and_versions(capsys):
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "cpu:0" in told and f"jax {jax.__version__}" in told and "threads" in told


def test_as_json_it_says_for_each_library_whether_it_is_used(capsys):
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(each["used"] is (each["reason"] is None) for each in found["native"].values())
    assert found["threads"] >= 1 and found["versions"]["jax"] == jax.__version__


def test_it_says_what_turns_native_kernels_off():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PHASEWISE_NATIVE": "0"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.count("PHASEWISE_NATIVE turns them off") == 2


SCRIPT = "from phasewise.cli.entry import main; main(['doctor'])"
