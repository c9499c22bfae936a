"""Files with damage of every kind: they open, or a FileError says why not; never another exception, a hang, or memory without end."""

import copy
import io
import json
import random
import resource
import signal
import zipfile

import pytest

from keras2_files import unpacked
from phasewise.saving import FileError, load_model
from saving.archives import members

KINDS = ["chain", "words", "graph", "space"]
SECONDS, BYTES = 10, 1 << 30
VALUES = [
    None,
    True,
    -1,
    0,
    1,
    7,
    10**6,
    10**12,
    10**30,
    0.5,
    1e308,
    float("inf"),
    "",
    "x",
    "../x",
    "relu",
    "Dense",
    [],
    {},
    [None],
    [[]],
]


def places_in(item, path=()):
    """The path to every entry of a nest."""
    yield path
    entries = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    for key, value in entries:
        yield from places_in(value, (*path, key))


def at(item, path):
    for key in path:
        item = item[key]
    return item


def changed_json(text, draw):
    found = json.loads(text)
    for _ in range(draw.choice([1, 1, 2, 4])):
        path = draw.choice([each for each in places_in(found) if each])
        holder, key = at(found, path[:-1]), path[-1]
        kind = draw.randrange(4)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            holder[key] = copy.deepcopy(at(found, draw.choice(list(places_in(found)))))
        else:
            holder[key] = copy.deepcopy(draw.choice(VALUES))
    return json.dumps(found).encode()


def changed_bytes(data, draw):
    found = bytearray(data)
    kind = draw.randrange(4)
    if kind == 0:
        for _ in range(draw.choice([1, 2, 8])):
            found[draw.randrange(len(found))] = draw.randrange(256)
    elif kind == 1:
        del found[draw.randrange(len(found)) :]
    elif kind == 2:
        start, count = draw.randrange(len(found)), draw.choice([1, 4, 8, 64])
        found[start : start + count] = bytes([draw.choice([0, 1, 127, 255])]) * count
    else:
        start, other, count = draw.randrange(len(found)), draw.randrange(len(found)), draw.choice([8, 64, 512])
        found[start : start + count] = found[other : other + count]
    return bytes(found)


def zipped(parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


def damaged(seed):
    """The bytes of a model file with some damage."""
    draw = random.Random(seed)
    parts = members(draw.choice(KINDS))
    kind = draw.choice(["json", "json", "json", "weights", "weights", "archive", "exchanged", "metadata"])
    if kind == "archive":
        return changed_bytes(zipped(parts), draw)
    if kind == "exchanged":
        first, second = draw.choice(list(parts)), draw.choice(list(parts))
        other = members(draw.choice(KINDS))
        return zipped({**parts, first: draw.choice([parts[second], other.get(first, b"")])})
    name = {"json": "config.json", "metadata": "metadata.json", "weights": "model.weights.h5"}[kind]
    change = changed_bytes if kind == "weights" or draw.random() < 0.2 else changed_json
    return zipped({**parts, name: change(parts[name], draw)})


def outcome(data, path):
    """What became of it: "opened" or the message; any other exception goes on."""
    path.write_bytes(data)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of processor time: other tests run beside this one
    try:
        load_model(path)
        return "opened"
    except FileError as error:
        return str(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def check(seeds, folder):
    for kind in KINDS:
        assert outcome(zipped(members(kind)), folder / "whole.keras") == "opened"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = []
    for seed in seeds:
        try:
            found.append(outcome(damaged(seed), folder / "x.keras"))
        except Exception as error:
            raise AssertionError(f"case {seed}: {type(error).__name__}: {error}") from error
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < BYTES
    assert all(message == "opened" or "x.keras" in message for message in found)
    assert 0 < found.count("opened") < len(found) / 2
    return found


@pytest.fixture(autouse=True)
def told_of_hangs():
    def hung(number, frame):
        raise TimeoutError(f"more than {SECONDS} seconds")

    old = signal.signal(signal.SIGPROF, hung)
    yield
    signal.signal(signal.SIGPROF, old)


@pytest.mark.filterwarnings("ignore")
def test_damage_ends_in_success_or_in_a_file_error(tmp_path):
    check(range(300), tmp_path)


@pytest.mark.parametrize("damage", [bytes(16), (1).to_bytes(8, "little") + (2**64 - 32).to_bytes(8, "little")])
def test_a_heap_of_texts_that_goes_on_without_end_is_refused(tmp_path, damage):
    """HDF5's own library goes through the objects by their sizes, and would never come back."""
    path, _ = unpacked("nested", tmp_path)
    data = path.read_bytes()
    first = data.index(b"GCOL") + 16
    (tmp_path / "x.h5").write_bytes(data[:first] + damage + data[first + 16 :])
    with pytest.raises(FileError, match=r"x.h5' is damaged: its heap of texts at byte 2,048 goes on without end"):
        load_model(tmp_path / "x.h5")
    assert load_model(path).built


@pytest.mark.extensive
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("start", range(1000, 11_000, 1000))
def test_ten_thousand_damaged_files(start, tmp_path):
    check(range(start, start + 1000), tmp_path)
