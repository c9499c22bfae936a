"""Importing: quick, quiet, and every public name is there."""

import subprocess
import sys

import phasewise as pw

LOOK = """
import socket, sys

def refuse(*args, **kwargs):
    raise AssertionError("a connection was opened")

socket.socket.connect = socket.getaddrinfo = refuse
import phasewise
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""
HEAVY = "matplotlib pandas keras torch tensorflow rich sklearn h5py grain optax scipy IPython onnx safetensors"


def imported(program):
    """The top-level modules that are there after `program`, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return set(done.stdout.split())


def test_importing_phasewise_opens_no_connection_and_imports_nothing_that_it_may_not_need():
    modules = imported(LOOK)
    assert {"phasewise", "jax", "numpy"} <= modules
    assert not modules & set(HEAVY.split())


def test_every_public_name_exists_and_is_listed_once():
    assert not [name for name in pw.__all__ if not hasattr(pw, name)]
    assert len(set(pw.__all__)) == len(pw.__all__)


def test_star_gives_the_public_names_and_no_other():
    names = {}
    exec("from phasewise import *", names)
    assert set(names) - {"__builtins__"} == set(pw.__all__)


LATER = """
import sys
import phasewise
rooms = ["phasewise." + name for name in "datasets export ops preprocessing saving shift utils visualization".split()]
assert not [room for room in rooms if room in sys.modules]
chain = [phasewise.Input((3,)), phasewise.layers.BatchNormalization(), phasewise.layers.Dense(2)]
phasewise.Sequential(chain).export(sys.argv[1] + ".stablehlo", fold=True, verbose=False)
from phasewise.models import load_model
assert load_model is phasewise.saving.load_model
assert phasewise.audit is phasewise.shift.audit and "audit" in dir(phasewise)
assert type(load_model(sys.argv[1])) is phasewise.utils.FeatureSpace
"""


def test_rooms_that_a_training_does_without_are_imported_when_a_name_of_theirs_is_asked_for(tmp_path):
    space = pw.utils.FeatureSpace({"age": "float"})
    space.adapt(pw.Dataset.from_tensor_slices({"age": [1.0, 2.0]}).batch(2))
    space.save(tmp_path / "space.keras")
    done = subprocess.run(
        [sys.executable, "-c", LATER, str(tmp_path / "space.keras")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
