"""A batch is what it was when it was handed over: nobody's buffer, array or dict changes what somebody else holds."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import phasewise as pw
from phasewise.core import host_memory
from phasewise.data import Dataset, TensorSpec

STEPS = 6


def refilled(dtype=np.float32, rows=2):
    """Batches of 0, 1, 2 …, all in one array."""
    buffer = np.zeros((rows, 1), dtype)
    for number in range(STEPS):
        buffer[:] = number
        yield buffer


def refilled_pairs():
    x, y = np.zeros((2, 1), np.float32), np.zeros((2, 1), np.float32)
    for number in range(STEPS):
        x[:], y[:] = number, number
        yield x, y


class Refilling:
    """A sequence of batches that answers with one array."""

    def __init__(self):
        self.buffer = np.zeros((2, 1), np.float32)

    def __len__(self):
        return STEPS

    def __getitem__(self, number):
        self.buffer[:] = number
        return self.buffer


class Iterated:
    """A source of many passes, as a DataLoader is."""

    def __iter__(self):
        return refilled()


EXPECTED = np.repeat(np.arange(STEPS), 2).tolist()


def values(plan):
    return np.concatenate([np.ravel(element) for element in plan]).tolist()


@pytest.fixture(scope="module")
def identity():
    model = pw.Sequential([pw.Input((1,)), pw.layers.Activation("linear")])
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def scale():
    """y = k x, which plain gradient descent moves by the data it sees."""
    model = pw.Sequential([pw.Input((1,)), pw.layers.Dense(1, use_bias=False)])
    model.compile(pw.optimizers.SGD(0.01), "mse")
    return model


def descended(batches, kernel=0.0, rate=0.01):
    for x, y in batches:
        kernel -= rate * 2 * np.mean(x * (kernel * x - y))
    return kernel


@pytest.mark.parametrize(
    "source", [refilled, lambda: iter(refilled()), Refilling, Iterated, lambda: refilled(np.float64)]
)
def test_a_source_that_refills_one_buffer_is_predicted_batch_by_batch(identity, source):
    assert identity.predict(source(), verbose=0)[:, 0].tolist() == EXPECTED


def test_a_generator_that_refills_its_buffers_trains_and_tests_on_each_batch(scale):
    batches = [(np.full((2, 1), n), np.full((2, 1), n)) for n in range(STEPS)]
    scale.set_weights([np.zeros((1, 1))])
    scale.fit(refilled_pairs(), verbose=0)
    assert scale.get_weights()[0][0, 0] == pytest.approx(descended(batches), rel=1e-5)
    scale.set_weights([np.zeros((1, 1))])
    assert scale.evaluate(refilled_pairs(), verbose=0) == pytest.approx(np.mean(np.arange(STEPS) ** 2.0))


PLANS = {
    "as it is": lambda d: d,
    "batched": lambda d: d.batch(2),
    "padded": lambda d: d.padded_batch(3),
    "cached": lambda d: d.cache().repeat(1),
    "prefetched": lambda d: d.prefetch(4),
    "repeated": lambda d: d.repeat(2).take(STEPS),
    "shuffled": lambda d: d.shuffle(STEPS, seed=1),
    "windows": lambda d: d.window(3).flat_map(lambda w: w),
    "zipped": lambda d: Dataset.zip(d, d).map(lambda a, b: b),
    "mapped": lambda d: d.map(lambda x: x),
    "unbatched": lambda d: d.unbatch(),
    "with a signature": None,
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_of_a_generator_that_refills_one_buffer_has_each_element(name):
    if name == "with a signature":
        plan = Dataset.from_generator(refilled, output_signature=TensorSpec((2, 1), np.float32)).batch(6)
    else:
        plan = PLANS[name](Dataset.from_generator(refilled))
    assert sorted(values(plan)) == EXPECTED


def test_fit_on_a_shuffled_plan_of_one_buffer_sees_every_batch(scale):
    seen = set()

    def noted(x, y):
        seen.add(float(x[0, 0]))
        return x, y

    plan = Dataset.from_generator(refilled_pairs).shuffle(4, seed=0).cache().map(noted)
    scale.fit(plan, epochs=2, verbose=0)
    assert seen == set(range(STEPS))


# -- what a user's function does to an element


def doubled_in_place(x):
    x *= 2
    return x


@pytest.mark.parametrize(
    "make",
    [
        lambda x: Dataset.from_tensor_slices(x),
        lambda x: Dataset.from_tensor_slices(x).batch(2),
        lambda x: Dataset.from_tensors(x),
        lambda x: Dataset.from_tensors(x).repeat(2),
        lambda x: Dataset.from_tensor_slices(x).batch(2).cache(),
        lambda x: Dataset.from_tensor_slices(x).map(lambda r: r).cache(),
        lambda x: Dataset.from_tensor_slices(x).window(2).flat_map(lambda w: w.batch(2)),
        lambda x: Dataset.from_tensors(x).unbatch(),
        lambda x: Dataset.from_generator(lambda: iter([x])),
    ],
)
@pytest.mark.parametrize("act", ["map", "filter", "loop"])
def test_writing_to_an_element_changes_neither_the_array_nor_the_next_pass(make, act):
    x = np.arange(8.0).reshape(4, 2)
    plan = make(x)
    first = values(plan)
    if act == "map":
        twice = [2 * value for value in first]
        assert values(plan.map(doubled_in_place)) == twice
        assert values(plan.map(doubled_in_place)) == twice
    elif act == "filter":
        kept = plan.filter(lambda row: doubled_in_place(row).size > 0)
        assert values(kept) == first
    else:
        for element in plan:
            element[...] = -1
    assert values(plan) == first
    np.testing.assert_array_equal(x, np.arange(8.0).reshape(4, 2))


def test_a_map_that_works_in_place_trains_every_epoch_on_the_same_data(scale):
    x = np.arange(8, dtype=np.float32).reshape(8, 1) / 8
    y = 3 * x

    def centred(x, y):
        x -= 0.5
        return x, y

    plan = Dataset.from_tensor_slices((x, y)).batch(4).cache().map(centred)
    scale.set_weights([np.zeros((1, 1))])
    scale.fit(plan, epochs=3, verbose=0)
    batches = [(x[i : i + 4] - 0.5, y[i : i + 4]) for i in (0, 4)] * 3
    assert scale.get_weights()[0][0, 0] == pytest.approx(descended(batches), rel=1e-5)
    np.testing.assert_array_equal(x[:, 0], np.arange(8) / 8)


def test_a_dict_that_a_map_takes_apart_is_whole_in_the_next_pass():
    plan = Dataset.from_tensor_slices({"x": [1, 2], "y": [3, 4]}).batch(2).cache()
    apart = plan.map(lambda d: (d.pop("y"), d))
    for _ in range(2):
        ((y, rest),) = list(apart)
        assert (y.tolist(), list(rest)) == ([3, 4], ["x"])
    assert list(next(iter(plan))) == ["x", "y"]


def test_a_map_may_return_its_own_buffer_and_the_same_array_twice():
    buffer = np.zeros(1)

    def filled(n):
        buffer[:] = n
        return buffer, buffer

    def first_wiped(a, b):
        a[:] = -1
        return b

    assert values(Dataset.range(4).map(filled).map(first_wiped).batch(4)) == [0, 1, 2, 3]


# -- sources that change after the plan was made

HOLDERS = {
    "NumPy": (lambda x: x, lambda x: x),
    "a view": (lambda x: x[:, ::-1][:, ::-1], lambda x: x),
    "pandas": (lambda x: pd.DataFrame(x), lambda x: x),
    "read-only": (lambda x: _read_only(x), lambda x: x),
}


def _read_only(x):
    view = x.view()
    view.flags.writeable = False
    return view


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("source", ["from_tensor_slices", "from_tensors", "zip"])
def test_an_array_that_changes_after_the_plan_was_made_does_not_change_the_plan(holder, source):
    x = np.arange(8.0).reshape(4, 2)
    held = HOLDERS[holder][0](x)
    slices = Dataset.from_tensor_slices
    plan = (
        Dataset.zip((slices(held), slices(held))).map(lambda a, b: b)
        if source == "zip"
        else getattr(Dataset, source)(held)
    )
    batches = plan.batch(3)
    x[:] = -1
    assert values(batches) == np.arange(8.0).tolist()


def test_arguments_of_a_generator_are_what_they_were_and_new_in_each_pass():
    bounds = np.array([0, 3])

    def numbers(bounds):
        yield from range(*bounds)
        bounds[:] = 0

    plan = Dataset.from_generator(numbers, args=(bounds,))
    bounds[:] = 0
    assert values(plan) == values(plan) == [0, 1, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_that_a_callback_changes_train_as_they_were_given(scale, dtype):
    x, y = np.ones((8, 1), dtype), np.full((8, 1), 2, dtype)

    class Wipe(pw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            x[:], y[:] = 77, 77

    scale.set_weights([np.zeros((1, 1))])
    history = scale.fit(x, y, batch_size=8, epochs=3, validation_data=(x, y), callbacks=[Wipe()], verbose=0).history
    kernel = descended([(np.ones(8), np.full(8, 2.0))] * 3)
    assert scale.get_weights()[0][0, 0] == pytest.approx(kernel, rel=1e-5)
    assert history["val_loss"][-1] == pytest.approx((kernel - 2) ** 2, rel=1e-5)


def test_a_file_mapped_into_memory_is_not_copied(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(6.0))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r+")
    plan = Dataset.from_tensor_slices(mapped)
    mapped[0] = 9  # the file changed, and the plan reads the file
    assert values(plan) == [9, 1, 2, 3, 4, 5]
    for element in plan.batch(6):
        element[:] = -1
    assert mapped[1] == 1


def test_what_predict_returns_is_the_callers_and_not_the_models(identity):
    x = np.arange(64.0, dtype=np.float32).reshape(64, 1)
    found = identity.predict(x, verbose=0)
    found[:] = -1
    np.testing.assert_array_equal(identity.predict(x, verbose=0), np.arange(64.0).reshape(64, 1))
    np.testing.assert_array_equal(x, np.arange(64.0).reshape(64, 1))


# -- the device reads arrays that begin at certain addresses where they are


class Own(pw.layers.Layer):
    """Code of a user's, so that a model's call comes to it as it is."""

    def call(self, x):
        weight = jnp.ones((x.shape[-1], x.shape[-1])) / x.shape[-1]
        for _ in range(4):
            x = x @ weight
        return x


@pytest.mark.parametrize("kind", ["a layer", "a model", "a model of a user's layer"])
def test_an_array_may_be_refilled_as_soon_as_a_call_has_returned(kind):
    width = 1024  # a power of two: no order of a sum rounds
    own, dense = Own(), pw.layers.Dense(width, use_bias=False, kernel_initializer=lambda s, d: jnp.eye(width))
    call = {
        "a layer": dense,
        "a model": pw.Sequential([pw.Input((width,)), dense]),
        "a model of a user's layer": pw.Sequential([pw.Input((width,)), own]),
    }[kind]
    x = host_memory.empty((width, width), np.float32)
    for number in (1, 2, 3):
        x[:] = number
        outputs = call(x)
        x[:] = -1
        np.testing.assert_allclose(np.asarray(outputs), number, rtol=1e-5)


def test_a_variable_keeps_the_value_that_it_was_given():
    x = host_memory.empty((4,), np.float32)
    x[:] = 1
    variable = pw.Variable(x)
    x[:] = 2
    assert variable.numpy().tolist() == [1] * 4
    variable.assign(x)
    x[:] = 3
    assert variable.numpy().tolist() == [2] * 4
