"""The look at gradients before a step that writes over the state."""

import numpy as np
import pytest

from phasewise.kernels.finite import magnitude

SMALL = np.random.default_rng(0).normal(size=(40, 30)).astype("float32")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e20, -3e38])
@pytest.mark.parametrize("place", [(0, 0), (17, 4), (39, 29)])
def test_one_bad_entry_is_seen_wherever_it_is(bad, place):
    array = SMALL.copy()
    array[place] = bad
    assert not magnitude([SMALL, array]) <= 1e15
    assert not magnitude([array[:, place[1]], SMALL]) <= 1e15


def test_entries_that_add_up_to_nothing_are_seen():
    rows, columns = np.where(np.arange(40) % 2, 1e20, -1e20)[:, None], np.where(np.arange(30) % 2, 1e20, -1e20)
    assert not magnitude([(rows + 0 * SMALL).astype("float32")]) <= 1e15
    assert not magnitude([(columns + 0 * SMALL).astype("float32")]) <= 1e15


@pytest.mark.parametrize("shape", [(40, 30), (2, 20, 30), (1200,), (0, 3), ()])
def test_usual_gradients_are_moderate(shape):
    array = np.zeros(shape, "float32") if 0 in shape or not shape else SMALL.reshape(shape)
    assert magnitude([array * np.float32(1e10)]) <= 1e15
