"""Pooling by the native kernels: what its definition says in float64, and the numbers of XLA wherever it stands in."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.kernels import pooling
from phasewise.kernels.native.library import KERNELS, reason_against
from phasewise.kernels.pooling_in_xla import moving_maximum

pytestmark = [
    pytest.mark.skipif(reason_against(KERNELS) is not None, reason="the native kernels are not built here"),
    pytest.mark.usefixtures("however_small"),
]

CASES = {  # shape, window, strides, padding
    "1-D": ((3, 17, 5), (3,), (2,), "same"),
    "side by side": ((2, 8, 6, 16), (2, 2), (2, 2), "valid"),
    "overlapping": ((2, 9, 7, 20), (3, 3), (2, 2), "same"),
    "every place": ((2, 7, 6, 33), (3, 2), (1, 1), "same"),
    "with gaps": ((2, 11, 10, 3), (2, 3), (4, 5), "valid"),
    "wide": ((1, 12, 11, 4), (7, 5), (2, 3), "same"),
    "along rows": ((2, 5, 9, 8), (1, 3), (1, 2), "valid"),
    "3-D": ((2, 5, 6, 7, 9), (2, 3, 2), (2, 1, 2), "same"),
}
LARGE = {
    "tall image": ((1, 301, 20, 48), (3, 3), (2, 1), "same"),
    "deep volume": ((1, 40, 12, 10, 48), (3, 2, 2), (1, 2, 2), "same"),
}
POOLS = {"maximum": pooling.max_pool, "mean": pooling.average_pool}


def pool_of(kind, case):
    _, window, strides, padding = (CASES | LARGE)[case]
    return lambda x: POOLS[kind](x, (1, *window, 1), (1, *strides, 1), padding)


def drawn(case, dtype="float32", seed=0):
    """Small whole numbers, many of them equal, and none that is rounded."""
    return jnp.asarray(np.random.default_rng(seed).integers(-3, 4, (CASES | LARGE)[case][0]), dtype)


def windows(case):
    """For each place its index and those of its entries, in their order."""
    shape, window, strides, padding = (CASES | LARGE)[case]
    along = []
    for size, width, stride in zip(shape[1:-1], window, strides):
        count = -(-size // stride) if padding == "same" else (size - width) // stride + 1
        before = max((count - 1) * stride + width - size, 0) // 2 if padding == "same" else 0
        starts = [place * stride - before for place in range(count)]
        along.append([[at for at in range(start, start + width) if 0 <= at < size] for start in starts])
    for place in itertools.product(*(range(len(each)) for each in along)):
        yield place, list(itertools.product(*(each[i] for each, i in zip(along, place))))


def by_definition(kind, case, x, slopes):
    """The result and its gradient in float64."""
    x, slopes = np.asarray(x, np.float64), np.asarray(slopes, np.float64)
    y, gradient = np.zeros(slopes.shape), np.zeros(x.shape)
    for place, entries in windows(case):
        here = np.stack([x[(slice(None), *entry)] for entry in entries])
        shares = np.full(here.shape, 1 / len(entries))
        if kind == "maximum":
            shares = np.arange(len(entries)).reshape(-1, 1, 1) == here.argmax(0)
        y[(slice(None), *place)] = here.mean(0) if kind == "mean" else here.max(0)
        for entry, share in zip(entries, shares):
            gradient[(slice(None), *entry)] += share * slopes[(slice(None), *place)]
    return y, gradient


def slopes_for(function, x):
    structure = jax.eval_shape(function, x)
    return jnp.asarray(np.random.default_rng(1).integers(-8, 9, structure.shape), structure.dtype)


def with_gradient(function):
    def computed(x, slopes):
        y, pullback = jax.vjp(function, x)
        return y, *pullback(slopes)

    return computed


def native_calls(function, *arrays):
    return jax.jit(function).lower(*arrays).as_text().count("custom_call @phasewise_")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("case", CASES)
def test_result_and_gradient_are_those_of_the_definition_also_among_equals(kind, case, dtype):
    x, pool = drawn(case, dtype), pool_of(kind, case)
    slopes = slopes_for(pool, x)
    assert native_calls(with_gradient(pool), x, slopes) == 2

    found = jax.jit(with_gradient(pool))(x, slopes)

    for each, right in zip(found, by_definition(kind, case, x, slopes), strict=True):
        assert each.dtype == dtype
        exact = kind == "maximum"
        allowed = 0 if exact else 1e-6 if dtype == "float32" else 2**-8
        assert np.abs(np.asarray(each, np.float64) - right).max() <= allowed * np.abs(right).max()


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_a_number_is_the_largest_and_takes_the_gradient_as_in_xla(case):
    x = np.array(drawn(case))
    x.ravel()[:: 7 if x.size > 300 else 3] = np.nan
    _, window, strides, padding = CASES[case]
    plain = functools.partial(moving_maximum, window=(1, *window, 1), strides=(1, *strides, 1), padding=padding)
    y, gradient = jax.jit(with_gradient(pool_of("maximum", case)))(x, slopes_for(plain, x))

    wanted, its_gradient = jax.jit(with_gradient(plain))(x, slopes_for(plain, x))

    np.testing.assert_array_equal(y, wanted)
    if max(window) <= 5:  # the gradient of XLA's own maximum passes a NaN by
        np.testing.assert_array_equal(gradient, its_gradient)


def test_infinities_are_entries_like_others():
    pool = pool_of("maximum", "overlapping")
    x = jnp.full(CASES["overlapping"][0], -jnp.inf).at[0].set(jnp.inf)
    slopes = slopes_for(pool, x)
    y, gradient = with_gradient(pool)(x, slopes)
    np.testing.assert_array_equal(y, np.broadcast_to(x[:, :1, :1], y.shape))
    assert gradient.sum() == slopes.sum()


@pytest.mark.parametrize("kind", POOLS)
def test_gradients_of_gradients_and_forward_mode_are_those_of_xla(kind, monkeypatch):
    x = jnp.asarray(np.random.default_rng(2).standard_normal(CASES["every place"][0]), jnp.float32)
    pool = pool_of(kind, "every place")

    def steepness(x):
        return jnp.sum(jax.grad(lambda x: jnp.sum(jnp.sin(pool(x)) * pool(x * x)))(x) ** 2)

    def derivatives(x):
        return jax.grad(steepness)(x), jax.jvp(pool, (x,), (jnp.cos(x),))[1]

    assert native_calls(derivatives, x) > 2
    found = jax.jit(derivatives)(x)
    monkeypatch.setenv("PHASEWISE_NATIVE", "1")  # so small an array is XLA's
    jax.clear_caches()
    assert native_calls(derivatives, x) == 0
    for each, right in zip(found, jax.jit(derivatives)(x), strict=True):
        np.testing.assert_allclose(each, right, rtol=1e-5, atol=1e-5 * np.abs(right).max())


@pytest.mark.parametrize("kind", POOLS)
def test_the_bits_of_a_row_depend_neither_on_its_batch_nor_on_the_run(kind):
    x = jnp.asarray(np.random.default_rng(3).standard_normal((33, 9, 7, 20)), jnp.float32)
    pool = pool_of(kind, "overlapping")
    function = jax.jit(with_gradient(pool))
    slopes = jnp.cos(pool(x))
    whole = function(x, slopes)
    for rows in (slice(None), slice(5), slice(7, 33), slice(32, 33)):
        for part, each in zip(function(x[rows], slopes[rows]), whole, strict=True):
            np.testing.assert_array_equal(part, each[rows])


@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("case", ["tall image", "deep volume"])
def test_what_is_shared_out_among_threads_is_pooled_as_one(kind, case):
    x, pool = drawn(case), pool_of(kind, case)
    slopes = slopes_for(pool, x)
    found = jax.jit(with_gradient(pool))(x, slopes)
    for each, right in zip(found, by_definition(kind, case, x, slopes), strict=True):
        np.testing.assert_allclose(each, right, rtol=1e-6, atol=1e-6)


def test_arrays_that_are_written_past_the_caches_hold_the_same():
    x = jnp.asarray(np.random.default_rng(5).integers(-3, 4, (5, 160, 160, 36)), jnp.float32)  # 18 MB
    for pool in POOLS.values():
        function = with_gradient(functools.partial(pool, window=(1, 2, 2, 1), strides=(1, 1, 1, 1), padding="same"))
        slopes = jnp.ones(x.shape)
        whole = jax.jit(function)(x, slopes)
        for each, alone in zip(whole, jax.jit(function)(x[4:], slopes[4:]), strict=True):
            np.testing.assert_array_equal(each[4:], alone)


def test_xla_computes_what_it_is_faster_at(monkeypatch):
    monkeypatch.setenv("PHASEWISE_NATIVE", "1")
    side_by_side = {"window": (1, 2, 2, 1), "strides": (1, 2, 2, 1), "padding": "valid"}
    overlapping = {"window": (1, 3, 3, 1), "strides": (1, 1, 1, 1), "padding": "same"}
    small, large, huge = jnp.ones((4, 16, 16, 16)), jnp.ones((16, 32, 32, 32)), jnp.ones((64, 32, 32, 32))

    def calls(pool, x, how):
        function = functools.partial(pool, **how)
        gradient = with_gradient(function)
        return native_calls(function, x), native_calls(gradient, x, jax.eval_shape(function, x))

    assert calls(pooling.max_pool, small, side_by_side) == calls(pooling.average_pool, small, side_by_side) == (0, 0)
    assert calls(pooling.max_pool, large, side_by_side) == (1, 0)
    assert calls(pooling.average_pool, large, side_by_side) == (1, 1)  # the gradient is XLA's
    assert calls(pooling.max_pool, large, overlapping) == calls(pooling.average_pool, large, overlapping) == (0, 0)
    assert calls(pooling.max_pool, huge, overlapping) == calls(pooling.average_pool, huge, overlapping) == (1, 2)


@pytest.mark.parametrize("dtype", ["int32", "float16"])
def test_other_types_and_layouts_are_left_to_xla(dtype):
    images = jnp.arange(2 * 6 * 6 * 4, dtype=dtype).reshape(2, 6, 6, 4)
    last = functools.partial(pooling.max_pool, window=(1, 2, 2, 1), strides=(1, 2, 2, 1), padding="valid")
    first = functools.partial(pooling.max_pool, window=(1, 1, 2, 2), strides=(1, 1, 2, 2), padding="valid")
    assert native_calls(last, images) == 0
    assert native_calls(first, images.astype("float32").transpose(0, 3, 1, 2)) == 0
    np.testing.assert_array_equal(last(images), images[:, 1::2, 1::2])
