"""Native convolutions give XLA's numbers, wherever they run; where they do not apply, XLA does."""

import functools
import os
import subprocess
import sys
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.core.warning import NativeKernelsWarning
from phasewise.kernels import convolution, convolution_in_xla
from phasewise.kernels.convolution import convolve, convolve_depthwise, convolve_transposed
from phasewise.kernels.convolution_sizes import Around, transposed_around
from phasewise.kernels.native import convolution as native
from phasewise.kernels.native import depthwise, direct, pointwise, winograd
from phasewise.kernels.native.library import Library, lanes, reason_against, usable

TARGETS = (native.TARGET, depthwise.TARGET, direct.TARGET, pointwise.TARGET, winograd.TARGET)

needs_native = pytest.mark.skipif(
    reason_against(native.LIBRARY) is not None, reason=f"native kernels are not there: {reason_against(native.LIBRARY)}"
)


@pytest.fixture(autouse=True)
def however_small(monkeypatch):
    monkeypatch.setenv("PHASEWISE_NATIVE", "always")


CASES = {  # shape of x, of the kernel; strides, padding before and after, dilation, groups
    "1-D": ((8, 128, 16), (5, 16, 32), 1, (2, 2), 1, 1),
    "2-D": ((4, 14, 13, 16), (3, 3, 16, 24), 1, (1, 1), 1, 1),
    "2-D, three by three": ((4, 14, 13, 16), (3, 3, 16, 48), 1, (1, 1), 1, 1),
    "1-D, three": ((8, 37, 32), (3, 32, 16), 1, (2, 0), 1, 1),
    "three channels": ((4, 16, 16, 3), (3, 3, 3, 16), 1, (1, 1), 1, 1),
    "strides": ((4, 16, 16, 16), (3, 3, 16, 32), 2, (0, 1), 1, 1),
    "strides longer than the kernel": ((3, 11, 14, 5), (1, 2, 5, 7), 3, (1, 0), 1, 1),
    "strides and dilation": ((2, 15, 12, 6), (3, 2, 6, 37), 2, (2, 1), 3, 1),
    "dilated by strides": ((2, 15, 12, 6), (3, 3, 6, 8), 2, (1, 1), 2, 1),
    "a kernel larger than the image": ((2, 3, 2, 4), (5, 4, 4, 9), 1, (2, 2), 1, 1),
    "one channel and one filter": ((2, 9, 9, 1), (4, 4, 1, 1), 1, (2, 1), 1, 1),
    "1-D, one row": ((1, 50, 3), (7, 3, 20), 2, (3, 3), 1, 1),
    "1-D, cut in parts": ((2, 1003, 12), (5, 12, 20), 2, (1, 4), 2, 1),
    "an image in bands": ((2, 64, 60, 11), (5, 3, 11, 18), 1, (1, 1), 1, 1),
    "to one channel": ((2, 19, 21, 12), (3, 3, 12, 1), 1, (1, 1), 1, 1),
    "to three channels, dilated": ((2, 17, 24, 30), (3, 2, 30, 3), 1, (2, 1), 2, 1),
    "to one channel, in bands": ((1, 64, 60, 12), (5, 3, 12, 1), 1, (1, 2), 1, 1),
    "1-D, to two channels, cut in parts": ((2, 1003, 20), (5, 20, 2), 1, (1, 4), 1, 1),
    "strides, of two channels": ((3, 33, 36, 2), (4, 5, 2, 20), 2, (1, 2), 1, 1),
    "dilation": ((4, 16, 16, 16), (3, 3, 16, 16), 1, (2, 2), 2, 1),
    "groups": ((4, 16, 16, 32), (3, 3, 8, 32), 1, (1, 1), 1, 4),
    "depthwise": ((4, 24, 24, 32), (3, 3, 1, 32), 2, (1, 1), 1, 32),
    "depthwise, five by five": ((3, 9, 8, 21), (5, 5, 1, 21), 1, (2, 1), 1, 21),
    "depthwise, dilated": ((3, 17, 40), (3, 1, 40), 1, (2, 3), 2, 40),
    "depthwise, many taps": ((2, 11, 11, 24), (7, 7, 1, 24), 3, (3, 3), 1, 24),
    "pointwise": ((4, 16, 16, 32), (1, 1, 32, 64), 2, (0, 0), 1, 1),
    "pointwise, odd channels": ((3, 9, 7, 13), (1, 1, 13, 37), 1, (0, 0), 1, 1),
    "pointwise, many channels": ((2, 40, 300), (1, 300, 70), 3, (0, 0), 1, 1),
    "3-D": ((2, 6, 8, 8, 8), (3, 3, 3, 8, 16), 1, (1, 1), 1, 1),
}


def arrays_of(name, dtype="float32"):
    x, kernel, *_ = CASES[name]
    rng = np.random.RandomState(7)
    return jnp.array(rng.randn(*x), dtype), jnp.array(rng.randn(*kernel), dtype)


def ours(name):
    x, _, strides, padding, dilation, groups = CASES[name]
    n = len(x) - 2
    return functools.partial(
        convolve, strides=(strides,) * n, padding=(Around(*padding),) * n, dilation=(dilation,) * n, groups=groups
    )


def exact(name):
    """In float64, by XLA's own convolution, whose gradients JAX derives."""
    x, _, strides, padding, dilation, groups = CASES[name]
    n = len(x) - 2
    space = "DHW"[-n:]
    return lambda x, kernel: jax.lax.conv_general_dilated(
        x,
        kernel,
        (strides,) * n,
        (padding,) * n,
        rhs_dilation=(dilation,) * n,
        dimension_numbers=(f"N{space}C", f"{space}IO", f"N{space}C"),
        feature_group_count=groups,
    )


def loss_of(function):
    return lambda x, kernel: jnp.sum(jnp.sin(function(x, kernel)))


def with_gradients(function):
    return lambda x, kernel: (function(x, kernel), *jax.grad(loss_of(function), (0, 1))(x, kernel))


def off(got, wanted):
    """The largest error, by the largest value."""
    wanted = np.asarray(wanted, np.float64)
    return np.abs(np.asarray(got, np.float64) - wanted).max() / np.abs(wanted).max()


def native_calls(function, *arguments):
    text = jax.jit(function).lower(*arguments).as_text()
    return sum(text.count(f"@{target}(") for target in TARGETS)


def run_script(script, **environment):
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_native
@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_those_of_float64(name):
    x, kernel = arrays_of(name)
    assert native_calls(with_gradients(ours(name)), x, kernel) > 0
    got = jax.jit(with_gradients(ours(name)))(x, kernel)
    with jax.enable_x64(True):
        wanted = jax.jit(with_gradients(exact(name)))(jnp.array(x, "float64"), jnp.array(kernel, "float64"))
    for each, right in zip(got, wanted, strict=True):
        assert off(each, right) < 1e-5


@needs_native
def test_bfloat16_is_rounded_once():
    x, kernel = arrays_of("2-D", "bfloat16")
    got = jax.jit(ours("2-D"))(x, kernel)
    wanted = exact("2-D")(x.astype("float32"), kernel.astype("float32"))
    assert got.dtype == jnp.bfloat16
    assert off(got, wanted) < 2**-8


@needs_native
def test_a_transposed_convolution_is_the_gradient_by_the_input():
    x, kernel = arrays_of("2-D")
    y = ours("2-D")(x, kernel)
    transposed = functools.partial(convolve_transposed, strides=(1, 1), padding=(Around(1, 1),) * 2, dilation=(1, 1))
    assert native_calls(transposed, y, kernel) == 1
    (wanted,) = jax.vjp(lambda x: exact("2-D")(x, kernel), x)[1](y)
    assert off(jax.jit(transposed)(y, kernel), wanted) < 1e-5


@needs_native
@pytest.mark.parametrize(
    ("x", "kernel", "strides"),
    [
        ((6, 31, 18, 4), (1, 1, 4, 4), 3),  # oneDNN runs on for ever, or gives other numbers
        ((2, 5, 6, 16), (1, 1, 16, 16), 2),
        ((2, 5, 6, 7), (2, 1, 5, 7), 3),
        ((3, 11, 6), (2, 9, 6), 5),
        ((2, 3, 4, 3, 6), (1, 2, 1, 8, 6), 3),
    ],
)
def test_a_transposed_convolution_may_have_strides_longer_than_its_kernel(x, kernel, strides):
    rng = np.random.RandomState(3)
    x, kernel = jnp.array(rng.randn(*x), "float32"), jnp.array(rng.randn(*kernel) / 4, "float32")
    n = x.ndim - 2

    around = tuple(transposed_around("valid", None, size, strides, 1) for size in kernel.shape[:n])

    def transposed(x, kernel):
        return convolve_transposed(x, kernel, (strides,) * n, around, (1,) * n)

    def wide(x, kernel):
        space = "DHW"[-n:]
        names, axes = (f"N{space}C", f"{space}OI", f"N{space}C"), tuple(range(n))
        spread = {"lhs_dilation": (strides,) * n, "dimension_numbers": names}
        return jax.lax.conv_general_dilated(x, jnp.flip(kernel, axes), (1,) * n, around, **spread)

    got = jax.jit(with_gradients(transposed))(x, kernel)
    with jax.enable_x64(True):
        wanted = jax.jit(with_gradients(wide))(jnp.array(x, "float64"), jnp.array(kernel, "float64"))
    for each, right in zip(got, wanted, strict=True):
        assert off(each, right) < 1e-5


@needs_native
def test_gradients_of_gradients_and_forward_mode_are_those_of_float64():
    def derivatives(function, x, kernel):
        def slope(kernel):
            return jnp.sum(jnp.cos(jax.grad(loss_of(function))(x, kernel)))

        return jax.grad(slope)(kernel), jax.jvp(lambda kernel: function(x, kernel), (kernel,), (kernel,))[1]

    x, kernel = arrays_of("strides")
    kernel = kernel / 10
    assert native_calls(functools.partial(derivatives, ours("strides")), x, kernel) > 2
    got = jax.jit(functools.partial(derivatives, ours("strides")))(x, kernel)
    with jax.enable_x64(True):
        wide = jnp.array(x, "float64"), jnp.array(kernel, "float64")
        wanted = jax.jit(functools.partial(derivatives, exact("strides")))(*wide)
    for each, right in zip(got, wanted, strict=True):
        assert off(each, right) < 1e-5


@needs_native
@pytest.mark.skipif(not lanes(), reason="this kernel is written for AVX2 or AVX-512, which this processor lacks")
@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 2), (0, 2), (1, 0)])
def test_three_positions_and_whole_vectors_of_channels_take_fewer_products(padding):
    x, kernel = arrays_of("2-D, three by three")
    around = tuple(Around(*pair) for pair in (padding, padding[::-1]))

    def wide(x, kernel):
        names = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), around, dimension_numbers=names)

    function = with_gradients(functools.partial(convolve, strides=(1, 1), padding=around, dilation=(1, 1)))
    text = jax.jit(function).lower(x, kernel).as_text()
    assert text.count(f"@{winograd.TARGET}(") > 2 and native.TARGET not in text
    got = jax.jit(function)(x, kernel)
    with jax.enable_x64(True):
        wanted = jax.jit(with_gradients(wide))(jnp.array(x, "float64"), jnp.array(kernel, "float64"))
    for each, right in zip(got, wanted, strict=True):
        assert off(each, right) < 1e-5


@needs_native
def test_vmap_falls_back_to_xla():
    x, kernel = arrays_of("2-D")
    kernels = jnp.stack([kernel, 2 * kernel])
    mapped = jax.vmap(lambda kernel: ours("2-D")(x, kernel))
    assert native_calls(mapped, kernels) == 0
    assert off(jax.jit(mapped)(kernels)[1], 2 * ours("2-D")(x, kernel)) < 1e-5


@needs_native
def test_an_exported_program_has_no_native_call():
    x, kernel = arrays_of("2-D")
    assert native_calls(ours("2-D"), x, kernel) == 1
    assert "custom_call @phasewise" not in jax.export.export(jax.jit(ours("2-D")))(x, kernel).mlir_module()


@needs_native
def test_small_convolutions_of_space_stay_with_xla_in_a_step_of_training_and_are_native_in_inference(monkeypatch):
    def convolved(x, kernel):
        return convolve(x, kernel, (1,) * 3, (Around(1, 1),) * 3, (1,) * 3)

    monkeypatch.delenv("PHASEWISE_NATIVE")
    small, large = (jnp.ones((4, 4, 4, 4, channels)) for channels in (4, 64))
    kernels = [jnp.ones((3, 3, 3, channels, channels)) for channels in (4, 64)]
    assert native_calls(jax.grad(loss_of(convolved), (0, 1)), small, kernels[0]) == 0
    assert native_calls(jax.grad(loss_of(convolved), (0, 1)), large, kernels[1]) == 3
    assert native_calls(convolved, small, kernels[0]) == 1


NEXT = (np.arange(32) + 1) % 32


@pytest.mark.parametrize("in_xla", [False, True])
@pytest.mark.parametrize(
    ("channels", "filters", "size", "strides"), [(3, 16, 5, 1), (1, 8, 7, 1), (5, 4, 7, 2), (8, 24, 10, 2)]
)
def test_a_row_has_the_same_bits_at_any_place_of_a_batch(channels, filters, size, strides, in_xla):
    """On vectors of 8 XLA's own convolution gives the last of 32 rows other bits, in each of these cases forwards or transposed."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((32, size, size, channels), np.float32)
    kernel = rng.standard_normal((3, 3, channels, filters), np.float32)
    window = convolution_in_xla.Window((strides,) * 2, (Around(1, 1),) * 2, (1, 1), (1, 1))
    how = {"window": window, "groups": 1}
    y = np.asarray(convolution_in_xla.part_of(x, kernel, part="output", sizes=None, **how))
    part_of = (
        convolution_in_xla.rows_of if in_xla else lambda *arrays, part, **how: convolution.part_of(part, *arrays, **how)
    )
    forward = jax.jit(lambda x: part_of(x, kernel, part="output", sizes=None, **how))
    transposed = jax.jit(lambda y: part_of(kernel, y, part="input", sizes=(size,) * 2, **how))
    for function, rows in ((forward, x), (transposed, y)):
        np.testing.assert_array_equal(function(rows[NEXT]), np.asarray(function(rows))[NEXT])


@needs_native
@pytest.mark.parametrize(
    "name",
    [
        "2-D",
        "2-D, three by three",
        "1-D, three",
        "three channels",
        "strides",
        "an image in bands",
        "to one channel",
        "to three channels, dilated",
        "1-D, to two channels, cut in parts",
        "depthwise",
        "depthwise, five by five",
        "pointwise",
        "pointwise, odd channels",
        "1-D",
    ],
)
def test_the_bits_of_a_row_depend_neither_on_its_batch_nor_on_the_run(name):
    x, kernel = arrays_of(name)
    x = jnp.concatenate([x] * 8)
    function = jax.jit(ours(name))
    whole = np.asarray(function(x, kernel))
    assert np.array_equal(whole, function(x, kernel))
    for size in (5, 8, 17):
        assert np.array_equal(function(x[:size], kernel), whole[:size])


@needs_native
def test_several_threads_at_once_get_what_one_gets():
    x, kernel = arrays_of("2-D")
    function = jax.jit(jax.grad(loss_of(ours("2-D"))))
    wanted, got = np.asarray(function(x, kernel)), []
    threads = [
        threading.Thread(target=lambda: got.extend(np.asarray(function(x, kernel)) for _ in range(10)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 40 and all(np.array_equal(each, wanted) for each in got)


TOTAL = """
import jax, jax.numpy as jnp, numpy as np
from phasewise.kernels.convolution import convolve
from phasewise.kernels.convolution_sizes import Around, transposed_around
x = jnp.array(np.random.RandomState(1).randn(8, 16, 16, 8), "float32")
kernel = jnp.array(np.random.RandomState(2).randn(5, 5, 4, 8), "float32")
function = jax.jit(lambda x: convolve(x, kernel, (1, 1), (Around(2, 2),) * 2, (1, 1), groups=2))
"""


@needs_native
def test_the_environment_turns_native_kernels_off():
    script = TOTAL + "print('@phasewise_convolution(' in function.lower(x).as_text())"
    assert run_script(script, PHASEWISE_NATIVE="0") == "False"
    assert run_script(script) == "True"


@needs_native
def test_an_array_on_several_devices_is_convolved_by_xla():
    script = TOTAL + (
        "from jax.sharding import PartitionSpec, NamedSharding\n"
        "wanted = function(x)\n"
        "mesh = jax.make_mesh((8,), ('rows',))\n"
        "shared = jax.device_put(x, NamedSharding(mesh, PartitionSpec('rows')))\n"
        "got = function(shared)\n"
        "assert 'custom_call @phasewise' not in function.lower(shared).as_text()\n"
        "print(len(got.sharding.device_set), bool(jnp.abs(np.asarray(got) - np.asarray(wanted)).max() < 1e-4))"
    )
    assert run_script(script, XLA_FLAGS="--xla_force_host_platform_device_count=8") == "8 True"


@needs_native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_can_call_onednn_after_its_parent_did():
    script = TOTAL + (
        "import os, signal\n"
        "from phasewise.kernels.native import convolution as native\n"
        "function(x).block_until_ready()\n"
        "if os.fork() == 0:\n"
        "    signal.alarm(20)\n"
        "    ones = (1,) * 8\n"
        "    name = native.implementation(0, 1, False, ((8, 9, 9, 8), (2, 2, 8, 8), (8, 8, 8, 8)), (1, 1, 1, 1, 0, 0, 0, 0))\n"
        "    os._exit(0 if name else 1)\n"
        "print(os.wait()[1])"
    )
    assert run_script(script).splitlines()[-1] == "0"


@needs_native
def test_a_broken_library_is_told_once_and_not_used(tmp_path, monkeypatch, recwarn):
    (tmp_path / "broken.so").write_text("this is no library")
    monkeypatch.setattr("phasewise.kernels.native.library.__file__", str(tmp_path / "library.py"))
    broken, missing = Library("broken.so", ()), Library("missing.so", ())
    assert not usable(broken) and not usable(broken) and not usable(missing)
    told = [str(each.message) for each in recwarn if each.category is NativeKernelsWarning]
    assert len(told) == 2
    assert "broken.so are not used" in told[0] and "cannot be loaded" in told[0]
    assert "not built when phasewise was installed" in told[1]


def test_a_channel_by_itself_is_convolved_alike_by_both():
    x, kernel = arrays_of("depthwise")
    window = convolution_in_xla.Window((2, 2), (Around(1, 1),) * 2, (1, 1), (1, 1))
    wanted = convolution_in_xla.part_of(x, kernel, part="output", window=window, groups=32, sizes=None)
    got = convolve_depthwise(x, kernel.reshape(3, 3, 32, 1), (2, 2), (Around(1, 1),) * 2, (1, 1))
    assert off(got, wanted) < 1e-5
