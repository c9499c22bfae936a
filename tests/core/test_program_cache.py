"""Compiled programs are kept from one process to the next, in a folder that is the user's alone, unless that is switched off."""

import os
import pathlib
import subprocess
import sys

import filelock
import pytest

SCRIPT = """
import time, sys
import jax, numpy as np
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if "cache_hits" in event else None)
import phasewise as pw
x = np.ones((64, 4), "float32")
pw.set_random_seed(1)
model = pw.Sequential([pw.Input((4,)), pw.layers.Dense(8), pw.layers.BatchNormalization(), pw.layers.Dense(1)])
model.compile("adam", "mse")
loss = model.fit(x, x[:, :1], batch_size=8, epochs=2, verbose=0).history["loss"]
print(jax.config.jax_compilation_cache_dir, len(hits), loss)
"""
NOTING_WAITS = """
import filelock
waits, acquire = [], filelock.FileLock.acquire
def noting(self, timeout=None, **others):
    waits.append(timeout)
    return acquire(self, timeout, **others)
filelock.FileLock.acquire = noting
"""
ONLY_THE_FOLDER = "import phasewise, jax; print(jax.config.jax_compilation_cache_dir)"


def printed(script, environment):
    """What a process of its own prints, in which nothing else is set for caches."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PHASEWISE", "JAX_COMPILATION"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def run(**environment):
    """The folder that was used, the number of programs found in it, and the losses."""
    folder, hits, losses = printed(SCRIPT, environment).split(" ", 2)
    return folder, int(hits), losses


def folder_of(**environment):
    return printed(ONLY_THE_FOLDER, environment)


def test_a_second_process_finds_what_the_first_compiled_and_computes_the_same(tmp_path):
    first = run(PHASEWISE_CACHE=str(tmp_path))
    second = run(PHASEWISE_CACHE=str(tmp_path))
    assert pathlib.Path(first[0]).parent == tmp_path and first[0] == second[0]
    assert first[1] == 0 and second[1] > 0
    assert first[2] == second[2]


def test_a_process_that_was_suspended_with_the_lock_in_its_hands_holds_up_no_other(tmp_path):
    folder, _, losses = run(PHASEWISE_CACHE=str(tmp_path))
    with filelock.FileLock(pathlib.Path(folder) / ".lockfile"):
        told, longest = printed(
            NOTING_WAITS + SCRIPT + "print(max(waits))", {"PHASEWISE_CACHE": str(tmp_path)}
        ).splitlines()
    assert told == f"{folder} 0 {losses}"
    assert float(longest) <= 0.5


def test_the_users_cache_folder_is_used_by_itself(tmp_path):
    assert pathlib.Path(folder_of(XDG_CACHE_HOME=str(tmp_path))).parent == tmp_path / "phasewise"


@pytest.mark.parametrize(
    "environment",
    [{"PHASEWISE_CACHE": "off"}, {"PHASEWISE_CACHE": "/dev/null/nowhere"}],
    ids=["switched off", "a folder that cannot be"],
)
def test_without_a_folder_nothing_is_kept(environment):
    assert run(**environment)[:2] == ("None", 0)


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path):
    folder = pathlib.Path(folder_of(PHASEWISE_CACHE=str(tmp_path)))
    folder.chmod(0o777)
    assert folder_of(PHASEWISE_CACHE=str(tmp_path)) == "None"


def test_who_has_set_up_jax_themselves_keeps_what_they_set(tmp_path):
    assert folder_of(JAX_COMPILATION_CACHE_DIR=str(tmp_path), PHASEWISE_CACHE="/elsewhere") == str(tmp_path)
