"""Importing leaves Python's collector of cycles as it was."""

import subprocess
import sys

import pytest


def printed(script):
    """What a process of its own prints."""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("before", ["gc.enable()", "gc.disable()"])
def test_the_collector_is_on_after_the_import_where_it_was_on_before(before):
    script = f"import gc; {before}; was = gc.isenabled(); import phasewise; print(gc.isenabled() == was, gc.get_freeze_count())"
    assert printed(script) == "True 0"


def test_the_collector_is_on_after_an_import_that_fails():
    script = """
import gc, sys
sys.modules["phasewise.wrappers"] = None
try:
    import phasewise
except ImportError:
    print(gc.isenabled())
"""
    assert printed(script) == "True"


def test_garbage_from_before_the_import_is_still_collected():
    script = """
import gc, weakref
class Held: pass
held = Held()
held.itself = held
is_there = weakref.ref(held)
import phasewise
del held
gc.collect()
print(is_there())
"""
    assert printed(script) == "None"


def test_objects_that_were_frozen_before_the_import_stay_so():
    assert int(printed("import gc; gc.freeze(); import phasewise; print(gc.get_freeze_count())")) > 0
