"""Compiled programs are kept from one process to the next, in a folder that is the user's alone, unless that is switched off."""

import json
import os
import pathlib
import subprocess
import sys

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
FOLDERS = """
import json, os, sys
import jax
from phasewise.core import program_cache
for environment in json.loads(sys.argv[1]):
    jax.config.update("jax_compilation_cache_dir", environment.pop("JAX_COMPILATION_CACHE_DIR", None))
    os.environ.update({"XDG_CACHE_HOME": "/dev/null", "PHASEWISE_CACHE": "", **environment})
    program_cache.switch_on()
    print(jax.config.jax_compilation_cache_dir)
"""


def printed(script, environment, *arguments):
    """What a process of its own prints, in which nothing else is set for caches."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PHASEWISE", "JAX_COMPILATION"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
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


def folders_of(*environments):
    """The folder that each of these environments leads to, asked of one process as it is asked while phasewise is imported."""
    return printed(FOLDERS, {"PHASEWISE_CACHE": "off"}, json.dumps(environments)).splitlines()


def test_a_second_process_finds_what_the_first_compiled_if_it_is_whole_and_computes_the_same(tmp_path):
    first = run(PHASEWISE_CACHE=str(tmp_path))
    second = run(PHASEWISE_CACHE=str(tmp_path))
    assert pathlib.Path(first[0]).parent == tmp_path and first[0] == second[0]
    assert first[1] == 0 and second[1] > 0
    assert first[2] == second[2]
    for path in pathlib.Path(first[0]).iterdir():
        path.write_bytes(path.read_bytes()[:-100])  # the disk was full, say
    third = run(PHASEWISE_CACHE=str(tmp_path))
    assert third[1] == 0 and third[2] == first[2]


def test_the_users_cache_folder_is_used_by_itself(tmp_path):
    folder, *_ = run(XDG_CACHE_HOME=str(tmp_path))
    assert pathlib.Path(folder).parent == tmp_path / "phasewise"


def test_switched_off_nothing_is_kept():
    assert run(PHASEWISE_CACHE="off")[:2] == ("None", 0)


def test_a_folder_is_used_that_is_the_users_alone_unless_jax_has_been_given_one(tmp_path):
    own, open_to_all, of_jax = (tmp_path / name for name in ("own", "open", "jax"))
    (made,) = folders_of({"PHASEWISE_CACHE": str(open_to_all)})
    pathlib.Path(made).chmod(0o777)
    found = folders_of(
        {"PHASEWISE_CACHE": str(own)},
        {"PHASEWISE_CACHE": str(open_to_all)},
        {"PHASEWISE_CACHE": "/dev/null/nowhere"},
        {"PHASEWISE_CACHE": "off"},
        {"JAX_COMPILATION_CACHE_DIR": str(of_jax), "PHASEWISE_CACHE": "/elsewhere"},
    )
    assert pathlib.Path(found[0]).parent == own
    assert found[1:] == ["None", "None", "None", str(of_jax)]
