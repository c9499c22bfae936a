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


@pytest.mark.parametrize("before", ["gc.enable()", "gc.disable()"])
def test_the_collector_is_on_after_the_import_where_it_was_on_before(before):
    script = f"import gc; {before}; was = gc.isenabled(); import phasewise; print(gc.isenabled() == was)"
    assert printed(script) == "True"


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


HELD = """
import gc, weakref
class Held: pass
held = Held()
held.itself = held
is_there = weakref.ref(held)
"""


@pytest.mark.parametrize("script", [HELD + "import phasewise", "import phasewise" + HELD], ids=["before", "after"])
def test_garbage_of_a_script_is_collected_whether_it_was_made_before_the_import_or_after(script):
    assert printed(script + "\ndel held; gc.collect(); print(is_there())") == "None"


def test_what_a_script_made_is_finalized_at_the_end_of_the_process():
    script = HELD + "import os\nHeld.__del__ = lambda self, write=os.write: write(1, b'finalized')"
    assert printed("import phasewise" + script) == "finalized"


@pytest.mark.parametrize(
    "script",
    [
        "from __future__ import annotations\nimport numpy as np; x = np.zeros(3); given = {'a': 1}\ndef f(): pass",
        "def f(name):\n    import phasewise\nf('phasewise')",
    ],
)
def test_libraries_are_out_of_the_collectors_sight(script):
    assert int(printed(f"{script}\nimport gc, phasewise; print(gc.get_freeze_count())")) > 50_000


@pytest.mark.parametrize(
    "script",
    [
        "held = [[]]",
        "class Held: pass",
        "def f(held):\n    import phasewise\nf([[]])",
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
    ],
)
def test_libraries_stay_in_its_sight_where_a_script_may_hold_something_already(script):
    assert printed(f"{script}\nimport gc, phasewise; print(gc.get_freeze_count())") == "0"


def test_objects_that_were_frozen_before_the_import_stay_so():
    assert int(printed("import gc; gc.freeze(); import phasewise; print(gc.get_freeze_count())")) > 0
