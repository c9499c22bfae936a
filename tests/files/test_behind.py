"""Files written while their owner goes on."""

import os
import threading

import pytest

from phasewise.files import behind
from phasewise.files.behind import Behind


class Held:
    """Lets each file be written only when it is told to, and notes which are."""

    def __init__(self, monkeypatch):
        self.written, self._turns, self._real = [], threading.Semaphore(0), behind.written_whole
        monkeypatch.setattr(behind, "written_whole", self)
        self.begun = threading.Semaphore(0)

    def __call__(self, path):
        self.begun.release()
        assert self._turns.acquire(timeout=20)
        self.written.append(os.path.basename(path))
        return self._real(path)

    def go_on(self, files):
        self._turns.release(files)


@pytest.fixture
def held(monkeypatch):
    return Held(monkeypatch)


def test_of_what_waits_for_one_path_the_latest_is_written(held, tmp_path):
    path = str(tmp_path / "x")
    with Behind() as files:
        files.put(path, b"0", "")
        held.begun.acquire()
        for content in (b"1", b"2", b"3"):
            files.put(path, content, "")
        held.go_on(2)
    assert held.written == ["x", "x"]
    assert (tmp_path / "x").read_bytes() == b"3"


def test_files_of_several_paths_are_all_written_in_their_order(held, tmp_path):
    held.go_on(20)
    with Behind() as files:
        for number in range(20):
            files.put(str(tmp_path / str(number)), b"%d" % number, "")
    assert held.written == [str(number) for number in range(20)]
    assert [(tmp_path / name).read_bytes().decode() for name in held.written] == held.written


def test_a_context_ends_with_everything_written_and_no_thread_left(held, tmp_path):
    threading.Timer(0.1, held.go_on, [1]).start()
    with pytest.raises(KeyboardInterrupt), Behind() as files:
        files.put(str(tmp_path / "x"), b"1", "")
        raise KeyboardInterrupt
    assert (tmp_path / "x").read_bytes() == b"1"
    for thread in threading.enumerate():
        if thread.name == "phasewise-files":
            thread.join(10)
            assert not thread.is_alive()


def test_an_error_is_raised_at_the_next_file_which_is_written_all_the_same(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none/x' could not be written") as caught, Behind() as files:
        files.put(str(tmp_path / "none" / "x"), b"1", "Who saved.")
        files._wait()
        files.put(str(tmp_path / "y"), b"2", "")
    assert caught.value.__notes__ == ["Who saved."]
    assert (tmp_path / "y").read_bytes() == b"2"


def test_an_error_at_the_end_is_raised_or_becomes_a_note_of_the_one_that_ended_it(tmp_path):
    path = str(tmp_path / "none" / "x")
    with pytest.raises(FileNotFoundError, match="could not be written"), Behind() as files:
        files.put(path, b"1", "")
    with pytest.raises(KeyboardInterrupt) as caught, Behind() as files:
        files.put(path, b"1", "")
        raise KeyboardInterrupt
    assert "And a file was not written: " in caught.value.__notes__[0]
