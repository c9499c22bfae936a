"""The switch: six rules, first match wins."""

import contextvars
import threading

import pytest

import phasewise as pw
from phasewise.switch import phase


def test_default_is_inference():
    assert phase.decide() == phase.Decision("inference", 6, "default")


@pytest.mark.parametrize(
    "task, expected", [("fit", True), ("train_on_batch", True), ("evaluate", False), ("predict", False)]
)
def test_task_implies_the_phase(task, expected):
    with phase.task(task):
        decision = phase.decide()
    assert (decision.training, decision.rule, decision.reason) == (expected, 5, task)


def test_rules_win_in_their_order():
    with phase.task("predict"):
        assert phase.decide().rule == 5
        with pw.learning_phase_scope("training"):
            assert phase.decide() == phase.Decision("training", 4, "learning phase")
            with phase.enclosing_call(False):
                assert phase.decide() == phase.Decision("inference", 3, "given by the call around it")
                assert phase.decide(own=True) == phase.Decision("training", 2, "pinned at its call")
                assert phase.decide(own=True, frozen=True) == phase.Decision("inference", 1, "frozen")


def test_global_learning_phase_is_set_and_unpinned():
    assert pw.backend.learning_phase() is None
    pw.backend.set_learning_phase(1)
    assert pw.backend.learning_phase() == 1
    assert phase.decide().training
    pw.backend.set_learning_phase(None)
    assert pw.backend.learning_phase() is None


def test_scope_wins_over_the_global_phase_and_nests():
    pw.backend.set_learning_phase(0)
    with pw.learning_phase_scope("training"):
        assert pw.backend.learning_phase() == 1
        with pw.learning_phase_scope(None):
            assert pw.backend.learning_phase() is None
        assert pw.backend.learning_phase() == 1
    assert pw.backend.learning_phase() == 0


def test_scope_ends_when_an_error_leaves_it():
    with pytest.raises(KeyError), pw.learning_phase_scope(1):
        raise KeyError
    assert pw.backend.learning_phase() is None


def test_scopes_of_two_threads_do_not_meet():
    seen, inside, done = {}, threading.Event(), threading.Event()

    def other():
        with pw.learning_phase_scope("training"):
            inside.set()
            done.wait(5)
            seen["other"] = pw.backend.learning_phase()

    thread = threading.Thread(target=other, args=(), daemon=True)
    thread.start()
    inside.wait(5)
    seen["main"] = contextvars.copy_context().run(pw.backend.learning_phase)
    done.set()
    thread.join()
    assert seen == {"main": None, "other": 1}


@pytest.mark.parametrize("value", ["train", 2, -1, 0.5])
def test_unknown_learning_phase_says_what_is_possible(value):
    with pytest.raises(ValueError, match="'training' \\(or 1\\), 'inference' \\(or 0\\), or None"):
        pw.backend.set_learning_phase(value)
