"""The same data from any source train to the same bits, and nothing that a user handed in has changed afterwards."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise.data import Dataset

FEATURES, SIZE = 2, 4
EXAMPLES = 12  # 500 have been run


@pytest.fixture(scope="module")
def network():
    """A model with moving statistics, and its weights before training."""
    model = pw.Sequential(
        [
            pw.Input((FEATURES,)),
            pw.layers.Dense(3, activation="relu"),
            pw.layers.BatchNormalization(),
            pw.layers.Dense(1),
        ]
    )
    model.compile(pw.optimizers.SGD(0.01), "mse", metrics=["mae"])
    return model


@st.composite
def tables(draw):
    """Rows, labels and perhaps weights, in a dtype that people hold them in. There is at least one whole batch of `SIZE` rows."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows, dtype = draw(st.integers(SIZE, 5 * SIZE)), draw(st.sampled_from(["float32", "float64", "int64"]))
    x = rng.normal(size=(rows, FEATURES)) if dtype.startswith("float") else rng.integers(0, 9, (rows, FEATURES))
    parts = [x.astype(dtype), rng.normal(size=(rows, 1)).astype(draw(st.sampled_from(["float32", "float64"])))]
    if draw(st.booleans()):
        parts.append(rng.uniform(0.5, 2, rows).astype("float32"))
    return tuple(parts)


def cut(parts, size):
    return [tuple(part[i : i + size] for part in parts) for i in range(0, len(parts[0]), size)]


def one_buffer(parts, size):
    """A generator that fills the same arrays again and again."""
    held = [np.empty((size, *part.shape[1:]), part.dtype) for part in parts]
    for batch in cut(parts, size):
        for buffer, part in zip(held, batch, strict=True):
            buffer[: len(part)] = part
        yield tuple(buffer[: len(batch[0])] for buffer in held)
    for buffer in held:
        buffer[...] = 77


def wiping(*parts):
    """The element, which is overwritten where it was handed out."""
    made = tuple(part.copy() for part in parts)
    for part in parts:
        if part.ndim:
            part[...] = 77
    return made


def plan_of_arrays_that_change(parts, size):
    held = tuple(part.copy() for part in parts)
    plan = Dataset.from_tensor_slices(held).batch(size)
    for part in held:
        part[...] = 77
    return plan


def as_arguments(parts, make, size):
    """`fit`'s arguments for arrays of some kind."""
    made = [make(part) for part in parts]
    return made[:2], {"batch_size": size, "sample_weight": made[2] if len(made) > 2 else None}


SOURCES = {
    "arrays": lambda p, n: as_arguments(p, np.asarray, n),
    "pandas": lambda p, n: as_arguments(p, lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a), n),
    "plan": lambda p, n: ([Dataset.from_tensor_slices(p).batch(n)], {}),
    "plan whose arrays change": lambda p, n: ([plan_of_arrays_that_change(p, n)], {}),
    "plan that maps in place": lambda p, n: ([Dataset.from_tensor_slices(p).map(wiping).batch(n).map(wiping)], {}),
    "plan of a generator with one buffer": lambda p, n: (
        [Dataset.from_generator(lambda: one_buffer(p, n)).prefetch(2).cache().map(wiping)],
        {},
    ),
    "generator": lambda p, n: ([iter(cut(p, n))], {}),
    "generator with one buffer": lambda p, n: ([one_buffer(p, n)], {}),
    "list of batches": lambda p, n: ([cut(p, n)], {}),
}


def trained(network, start, source, parts):
    """Weights and logs after an epoch."""
    network.set_weights(start)
    arguments, options = SOURCES[source](parts, SIZE)
    history = network.fit(*arguments, **options, shuffle=False, verbose=0)
    return [*network.get_weights(), *history.history.values()]


def predicted(network, source, parts):
    (x, *_), options = SOURCES[source](parts[:1], SIZE)
    return network.predict(x, batch_size=options.get("batch_size"), verbose=0)


@pytest.mark.filterwarnings("ignore::phasewise.warning.LaggingStatisticsWarning")
@pytest.mark.filterwarnings("ignore::phasewise.warning.SmallBatchWarning")
@given(tables(), st.lists(st.sampled_from(list(SOURCES)), min_size=2, max_size=4, unique=True))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_source_trains_and_predicts_to_the_same_bits_and_is_left_as_it_was(network, parts, sources):
    start, before = network.get_weights(), [part.copy() for part in parts]
    expected, outputs = trained(network, start, "arrays", parts), predicted(network, "arrays", parts)
    for source in sources:
        for found, wanted in zip(trained(network, start, source, parts), expected, strict=True):
            np.testing.assert_array_equal(found, wanted, err_msg=source)
        np.testing.assert_array_equal(predicted(network, source, parts), outputs, err_msg=source)
        for now, then in zip(parts, before, strict=True):
            np.testing.assert_array_equal(now, then, err_msg=source)
    network.set_weights(start)
