"""A native library that is missing, cut off, broken or foreign: it is told once why, and XLA computes."""

import importlib.metadata
import json
import os
import pathlib
import shutil
import subprocess
import sys

import jax
import pytest

from phasewise.core.warning import NativeKernelsWarning
from phasewise.kernels.native import convolution, library
from phasewise.kernels.native.library import KERNELS, Library, load_onednn, reason_against, usable

FOLDER = pathlib.Path(library.__file__).parent

needs_native = pytest.mark.skipif(
    reason_against(convolution.LIBRARY) is not None or reason_against(KERNELS) is not None,
    reason="the native kernels are not built here",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where libraries are looked for."""
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    return tmp_path


def cut_off(source, target, length):
    target.write_bytes(pathlib.Path(source).read_bytes()[:length])


@needs_native
@pytest.mark.parametrize("length", [0, 40, 100, 3000, 50_000, -4096, -1])
def test_a_library_that_is_cut_off_is_not_loaded_which_would_end_the_process(folder, length):
    whole = (FOLDER / KERNELS.file).stat().st_size
    kept = length if length >= 0 else whole + length
    cut_off(FOLDER / KERNELS.file, folder / f"first{kept}.so", kept)
    reason = reason_against(Library(f"first{kept}.so", KERNELS.targets))
    assert "cannot be loaded" in reason and "pip install --force-reinstall --no-deps phasewise" in reason
    if kept > 100:
        assert f"is cut off: it has {kept} bytes of " in reason


@needs_native
def test_a_library_without_one_of_its_kernels_is_not_used(folder):
    shutil.copy(FOLDER / KERNELS.file, folder / "older.so")
    assert "phasewise_of_tomorrow" in reason_against(Library("older.so", (*KERNELS.targets, "phasewise_of_tomorrow")))


FOREIGN = """
#include "xla/ffi/api/c_api.h"
extern "C" XLA_FFI_Error* phasewise_foreign(XLA_FFI_CallFrame* frame) {
  for (auto* each = frame->extension_start; each; each = each->next)
    if (each->type == XLA_FFI_Extension_Metadata)
      reinterpret_cast<XLA_FFI_Metadata_Extension*>(each)->metadata->api_version.major_version = 99;
  return nullptr;
}
"""


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler on this machine")
def test_a_library_built_for_another_release_of_xla_is_not_used(folder):
    (folder / "foreign.cc").write_text(FOREIGN)
    command = ["c++", "-shared", "-fPIC", f"-I{jax.ffi.include_dir()}", "foreign.cc", "-o", "foreign.so"]
    subprocess.run(command, cwd=folder, check=True)
    reason = reason_against(Library("foreign.so", ("phasewise_foreign",)))
    assert "API version (99.0) is incompatible" in reason and "builds them" in reason


def test_where_onednn_is_missing_or_cut_off_its_package_is_named(folder, monkeypatch):
    (folder / "any.so").write_text("")
    places = {"libdnnl.so.3": folder / "libdnnl.so.3"}

    def files(package):
        if not places["libdnnl.so.3"].exists():
            raise importlib.metadata.PackageNotFoundError(package)
        return [Located("libdnnl.so.3", places)]

    monkeypatch.setattr(importlib.metadata, "files", files)
    missing = Library("any.so", ("missing",), load_onednn)
    assert reason_against(missing) == (
        f"oneDNN is missing: `pip install onednn-cpu-gomp=={library.VERSION_OF_ONEDNN}` brings it."
    )
    (folder / "libdnnl.so.3").write_bytes(b"\x7fELF\x02" + bytes(35) + b"\xff" * 8 + bytes(100))
    broken = reason_against(Library("any.so", ("broken",), load_onednn))
    assert "oneDNN cannot be loaded" in broken and "cut off" in broken and "onednn-cpu-gomp==" in broken


class Located:
    """A file of a package, as `importlib.metadata` has it."""

    def __init__(self, name, places):
        self.name, self.places = name, places

    def locate(self):
        return self.places[self.name]


def test_a_text_in_place_of_a_library_is_told_once(folder, recwarn):
    (folder / "text.so").write_text("this is no library " * 10)
    text = Library("text.so", ("phasewise_text",))
    assert not usable(text) and not usable(text)
    told = [str(each.message) for each in recwarn if each.category is NativeKernelsWarning]
    assert len(told) == 1 and "XLA's slower ones are: they cannot be loaded" in told[0]


WHOLE = """
import json, sys, warnings
import numpy as np
from phasewise.kernels.native import library
library.__file__ = sys.argv[1]
import phasewise as pw
from phasewise.cli.doctor import examined
model = pw.Sequential([
    pw.layers.Conv2D(8, 3), pw.layers.BatchNormalization(), pw.layers.ReLU(), pw.layers.AveragePooling2D(2),
    pw.layers.GlobalAveragePooling2D(), pw.layers.Dense(2),
])
model.compile("sgd", "mse")
x = np.random.default_rng(0).standard_normal((64, 8, 8, 4), "float32")
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    history = model.fit(x, x[:, 0, 0, :2], verbose=0)
    model.predict(x, verbose=0)
print(json.dumps({
    "finite": bool(np.isfinite(history.history["loss"]).all()),
    "told": [str(each.message) for each in told if each.category is pw.warning.NativeKernelsWarning],
    "doctor": {name: each["reason"] for name, each in examined()["native"].items()},
}))
"""


@needs_native
def test_a_model_trains_and_predicts_on_xla_where_libraries_are_spoilt_and_the_doctor_says_why(tmp_path):
    cut_off(FOLDER / KERNELS.file, tmp_path / KERNELS.file, 50_000)
    (tmp_path / convolution.LIBRARY.file).write_text("this is no library " * 10)
    done = subprocess.run(
        [sys.executable, "-c", WHOLE, str(tmp_path / "library.py")],
        env={**os.environ, "PHASEWISE_NATIVE": "always"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["finite"] and len(found["told"]) == 2
    assert "cut off" in found["doctor"]["own kernels"]
    assert "invalid ELF header" in found["doctor"]["convolution (oneDNN)"]
    for reason in found["doctor"].values():
        assert any(reason in told for told in found["told"])
