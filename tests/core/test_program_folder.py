"""A folder of entries that many processes share without waiting: whole or not there, bounded, and never in anyone's way."""

import os
import threading
import time

import pytest

from phasewise.core.program_folder import ProgramFolder

MOST_BYTES = 1000


@pytest.fixture
def folder(tmp_path):
    return ProgramFolder(tmp_path, MOST_BYTES)


def used(tmp_path, key, seconds_ago):
    """An entry was used last so long ago."""
    (path,) = tmp_path.glob(f"{key}*")
    os.utime(path, (time.time() - seconds_ago,) * 2)


def test_what_was_put_is_found_by_whoever_opens_the_folder(folder, tmp_path):
    folder.put("a", b"program")
    assert ProgramFolder(tmp_path, MOST_BYTES).get("a") == b"program"
    assert folder.get("b") is None


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-1], lambda content: content[:-1] + b"?", lambda content: b""]
)
def test_an_entry_that_is_cut_off_or_altered_is_discarded(folder, tmp_path, damage):
    folder.put("a", b"program")
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert folder.get("a") is None
    folder.put("a", b"program")
    assert folder.get("a") == b"program"


def test_those_not_used_for_longest_go_first(folder, tmp_path):
    for key, seconds_ago in (("a", 30), ("b", 20), ("c", 10)):
        folder.put(key, bytes(300))
        used(tmp_path, key, seconds_ago)
    folder.get("a")
    folder.put("d", bytes(300))
    assert [key for key in "abcd" if folder.get(key) is not None] == ["a", "c", "d"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= MOST_BYTES


def test_what_is_larger_than_all_may_be_is_not_kept(folder):
    folder.put("a", b"program")
    folder.put("b", bytes(MOST_BYTES + 1))
    assert folder.get("b") is None and folder.get("a") == b"program"


def test_what_a_killed_process_left_unfinished_goes_in_time_and_disturbs_nobody(folder, tmp_path):
    for name, hours in ((".begun", 0), (".abandoned", 2)):
        (tmp_path / name).write_bytes(b"half a")
        used(tmp_path, name, 3600 * hours)
    folder.put("a", b"program")
    assert folder.get("a") == b"program"
    assert {path.name for path in tmp_path.glob(".*")} == {".begun"}


def test_a_folder_that_is_gone_keeps_nothing_and_says_nothing(tmp_path):
    folder = ProgramFolder(tmp_path / "gone", MOST_BYTES)
    folder.put("a", b"program")
    assert folder.get("a") is None


def test_what_many_write_and_discard_at_once_is_whole_or_not_there(tmp_path):
    found = []

    def write_and_read(number):
        folder = ProgramFolder(tmp_path, MOST_BYTES)
        for i in range(60):
            key = str((number + i) % 7)
            folder.put(key, key.encode() * 250)
            found.append((key, folder.get(key)))

    threads = [threading.Thread(target=write_and_read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 240
    assert all(value in (None, key.encode() * 250) for key, value in found)
    assert any(value for _, value in found)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= MOST_BYTES
