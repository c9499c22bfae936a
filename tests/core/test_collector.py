"""Importing leaves Python's collector of cycles to what scripts make: it looks at no library any more, and at all else as ever."""

import subprocess
import sys

import pytest


def printed(script):
    """What a process of its own prints."""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_collector_is_on_after_an_import_and_after_one_that_fails_and_old_garbage_is_still_collected():
    script = """
import gc, sys, weakref
class Held: pass
held = Held()
held.itself = held
is_there = weakref.ref(held)
sys.modules["phasewise.wrappers"] = None
try:
    import phasewise
except ImportError:
    print(gc.isenabled())
del sys.modules["phasewise.wrappers"]
import phasewise
del held
print(gc.isenabled(), gc.get_freeze_count())
gc.collect()
print(is_there())
"""
    assert printed(script).splitlines() == ["True", "True 0", "None"]


def test_a_collector_that_is_off_stays_off_and_objects_that_were_frozen_stay_frozen():
    script = "import gc; gc.disable(); gc.freeze(); import phasewise; print(gc.isenabled(), gc.get_freeze_count() > 0)"
    assert printed(script) == "False True"


def test_once_only_libraries_were_imported_they_are_out_of_its_sight_and_what_is_made_later_is_not():
    script = """
from __future__ import annotations
import gc, os, weakref
import numpy as np
x, given = np.zeros(3), {"a": 1}
def load(name):
    import phasewise
load("phasewise")
print(gc.get_freeze_count() > 50_000)
class Held:
    def __del__(self, write=os.write):
        write(1, b"finalized")
held = Held()
held.itself = held
is_there = weakref.ref(held)
del held
gc.collect()
print("", is_there(), flush=True)
held = Held()
held.itself = held
"""
    assert printed(script).splitlines() == ["True", "finalized None", "finalized"]


@pytest.mark.parametrize(
    "script",
    [
        "def load(held):\n    import phasewise\nload([[]])",
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start(); import phasewise",
    ],
    ids=["in a function that calls the import", "in another thread"],
)
def test_libraries_stay_in_its_sight_where_something_may_be_held_already(script):
    assert printed(f"{script}\nimport gc; print(gc.get_freeze_count())") == "0"
