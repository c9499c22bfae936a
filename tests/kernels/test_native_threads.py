"""Native kernels among threads, forks, interrupts and processes that share compiled programs."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import phasewise as pw
from phasewise.kernels.native import convolution
from phasewise.kernels.native.library import KERNELS, reason_against

pytestmark = pytest.mark.skipif(
    reason_against(convolution.LIBRARY) is not None or reason_against(KERNELS) is not None,
    reason="the native kernels are not built here",
)

MODEL = """
import os, signal, sys, threading
import numpy as np
import phasewise as pw
pw.utils.set_random_seed(1)
model = pw.Sequential([
    pw.Input((16, 16, 8)), pw.layers.Conv2D(16, 3, padding="same", groups=2), pw.layers.BatchNormalization(), pw.layers.ReLU(),
    pw.layers.MaxPooling2D(3, strides=2), pw.layers.GlobalAveragePooling2D(), pw.layers.Dense(2),
])
model.compile(pw.optimizers.SGD(0.01), "mse")
x = np.random.default_rng(0).standard_normal((64, 16, 16, 8), "float32")
y = x[:, 0, 0, :2]
"""


def run_script(script, *, timeout=200, **environment):
    """What the script prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MODEL + script],
        env={**os.environ, "PHASEWISE_NATIVE": "always", **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()


def test_several_threads_predict_with_one_model_and_with_several_what_one_thread_does(monkeypatch):
    monkeypatch.setenv("PHASEWISE_NATIVE", "always")
    x = np.random.default_rng(0).standard_normal((70, 12, 12, 4), "float32")
    models = [
        pw.Sequential(
            [
                pw.Input((12, 12, 4)),
                pw.layers.Conv2D(filters, 3, groups=2),
                pw.layers.AveragePooling2D(2),
                pw.layers.GlobalMaxPooling2D(),
            ]
        )
        for filters in (8, 12)
    ]
    wanted, found = [model.predict(x, verbose=0) for model in models], []

    def work(number):
        for turn in range(4):
            which = (number + turn) % 2
            found.append((which, models[which].predict(x, verbose=0)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 16
    for which, each in found:
        np.testing.assert_array_equal(each, wanted[which])


THREADS = """
def count():
    return len(os.listdir("/proc/self/task"))

def work():
    for _ in range(3):
        model.predict(x, verbose=0)

model.fit(x, y, verbose=0)
work()
once = count()
several = [threading.Thread(target=work) for _ in range(4)]
for each in several: each.start()
for each in several: each.join()
print(once, count(), len(os.sched_getaffinity(0)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_native_kernels_bring_one_team_of_threads_whoever_calls_them():
    without, *_ = map(int, run_script(THREADS, PHASEWISE_NATIVE="0")[-1].split())
    once, later, processors = map(int, run_script(THREADS)[-1].split())
    assert once <= without + processors + 1  # who calls oneDNN, and its team
    assert later <= once + 1


FORK = """
model.fit(x, y, verbose=0)
before = model.predict(x, verbose=0)
for _ in range(3):
    if os.fork() == 0:
        os._exit(0)
    print(os.wait()[1])
print(np.array_equal(model.predict(x, verbose=0), before))
model.fit(x, y, verbose=0)
print(bool(np.isfinite(model.predict(x, verbose=0)).all()))
"""


INTERRUPT = """
class Interrupt(pw.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

before = model.evaluate(x, y, verbose=0)
first = [w.copy() for w in model.get_weights()]
try:
    model.fit(x, y, epochs=100_000, callbacks=[Interrupt()], verbose=0)
except KeyboardInterrupt:
    print("interrupted")
now = model.get_weights()
print(all(np.isfinite(w).all() for w in now), any((a != b).any() for a, b in zip(first, now)))
state = model.predict(x, verbose=0)
print(np.array_equal(state, model.predict(x, verbose=0)))
history = model.fit(x, y, epochs=3, verbose=0)
print(bool(np.isfinite(history.history["loss"]).all()), model.optimizer.iterations > 4)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_after_ctrl_c_in_a_fit_the_next_one_goes_on_and_after_forks_too_with_the_same_bits():
    lines = run_script(INTERRUPT + FORK)
    assert lines[:4] == ["interrupted", "True True", "True", "True True"]
    assert lines[4:] == ["0", "0", "0", "True", "True"]


CACHED = """
model.fit(x, y, epochs=2, verbose=0)
print(model.predict(x, verbose=0).tobytes().hex())
"""


def test_programs_kept_from_one_process_to_the_next_give_its_numbers_also_where_native_kernels_are_off(tmp_path):
    kept = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "programs"),
        "JAX_ENABLE_COMPILATION_CACHE": "true",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }

    def predicted(**environment):
        numbers = run_script(CACHED, **kept, **environment)[-1]
        programs = {path.name for path in (tmp_path / "programs").iterdir() if path.name.endswith("-cache")}
        return np.frombuffer(bytes.fromhex(numbers), np.float32), programs

    first, compiled = predicted()
    again, loaded = predicted()
    np.testing.assert_array_equal(again, first)
    assert loaded == compiled  # nothing was compiled anew

    turned_off, _ = predicted(PHASEWISE_NATIVE="0")
    np.testing.assert_allclose(turned_off, first, rtol=1e-4, atol=1e-5)
