"""Importing leaves Python's collector of cycles as it was."""

import subprocess
import sys


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
