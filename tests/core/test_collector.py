"""Importing leaves Python's collector as it was, and what has something to do at the end of a process still does it."""

import subprocess
import sys

import pytest

KEPT_IN_A_CIRCLE = """
import phasewise

class Held:
    pass

held = Held()
held.itself = held
"""


def printed(script, *arguments):
    """What a process of its own prints."""
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
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


def test_a_file_in_a_circle_that_nobody_closed_is_flushed_at_the_end(tmp_path):
    path = tmp_path / "log.txt"
    script = KEPT_IN_A_CIRCLE + "import sys; held.file = open(sys.argv[1], 'w'); held.file.write('the last line')"
    command = [sys.executable, "-c", script, str(path)]
    subprocess.run(command, check=True, timeout=120)
    assert path.read_text() == "the last line"


def test_a_finalizer_of_ones_own_in_a_circle_is_called_at_the_end():
    script = "import os; Held.__del__ = lambda self, write=os.write: write(1, b'finalized')"
    assert printed(KEPT_IN_A_CIRCLE + script) == "finalized"


def test_a_generator_in_a_circle_is_closed_at_the_end():
    script = """
import os
def numbers(write=os.write):
    try:
        yield 1
    finally:
        write(1, b"closed")
held.numbers = numbers()
next(held.numbers)
"""
    assert printed(KEPT_IN_A_CIRCLE + script) == "closed"


@pytest.mark.parametrize("more, is_left", [("", True), ("Held.__del__ = lambda self: None", False)])
def test_modules_are_taken_apart_at_the_end_only_where_something_is_left_to_do(more, is_left):
    last = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0))"  # the first registered is called last
    assert printed(last + KEPT_IN_A_CIRCLE + more) == str(is_left)


def test_a_stream_that_cannot_tell_whether_it_is_closed_does_no_harm():
    script = "held.detached = open(__import__('os').devnull, 'w'); held.rest = held.detached.detach()"
    assert printed(KEPT_IN_A_CIRCLE + script) == ""
