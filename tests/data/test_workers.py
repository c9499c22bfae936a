"""PyDataset: batches that workers make ahead come once, in order, and their errors say where they arose."""

import os
import threading
import time
import traceback

import keras
import numpy as np
import pytest
from batches_of_processes import Numbered

import phasewise as pw
from phasewise.data.adapters import as_plan


def numbers(plan):
    """The numbers of the batches in a pass."""
    return [int(x[0, 0]) for x, _ in plan]


class Slow(pw.utils.PyDataset):
    """Early batches take longer, and all are written into one buffer for each thread."""

    def __init__(self, count=12, **settings):
        super().__init__(**settings)
        self.count, self.made, self.at_once, self.most = count, [], 0, 0
        self.lock, self.buffers = threading.Lock(), threading.local()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        with self.lock:
            self.made.append(index)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(0.03 if index % 3 == 0 else 0.001)
        if not hasattr(self.buffers, "x"):
            self.buffers.x = np.zeros((2, 1), "float32")
        self.buffers.x[:] = index
        with self.lock:
            self.at_once -= 1
        return self.buffers.x, np.zeros((2, 1), "float32")


def test_batches_of_several_threads_come_once_and_in_order():
    data = Slow(workers=3)
    assert numbers(as_plan(data)) == list(range(12))
    assert sorted(data.made) == list(range(12))
    assert data.most > 1


def test_no_more_batches_are_made_ahead_than_the_queue_holds():
    data = Slow(count=40, workers=2, max_queue_size=3)
    batches = iter(as_plan(data))
    next(batches)
    time.sleep(0.2)
    assert len(data.made) <= 4


def test_a_sequence_of_keras_has_its_workers_too():
    class Theirs(keras.utils.PyDataset):
        def __len__(self):
            return 8

        def __getitem__(self, index):
            names.add(threading.current_thread().name)
            return np.full((2, 1), index), np.zeros((2, 1))

    names = set()
    assert numbers(as_plan(Theirs(workers=2))) == list(range(8))
    assert all(name.startswith("phasewise-batches") for name in names)


@pytest.mark.parametrize("settings", [{}, {"workers": 0}, {"workers": 3}])
def test_a_model_learns_tests_and_predicts_alike_whatever_the_workers(settings):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 3)).astype("float32"), rng.normal(size=(24, 1)).astype("float32")

    class Rows(pw.utils.Sequence):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return x[4 * index :][:4], y[4 * index :][:4]

    results = []
    for data in (Rows(**settings), None):
        pw.set_random_seed(3)
        model = pw.Sequential([pw.Input((3,)), pw.layers.Dense(1)])
        model.compile("sgd", "mse")
        arguments = (data,) if data is not None else (x, y, 4)
        model.fit(*arguments, epochs=2, shuffle=False, verbose=0)
        loss = model.evaluate(*arguments, verbose=0)
        results.append((loss, model.predict(data if data is not None else x, verbose=0)))
    np.testing.assert_array_equal(results[0][1], results[1][1])
    assert results[0][0] == results[1][0]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_says_at_which_batch_it_arose_with_its_traceback(workers):
    model = pw.Sequential([pw.Input((1,)), pw.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no such picture") as caught:
        model.fit(Numbered(fails_at=4, workers=workers), verbose=0)
    assert caught.value.__notes__[0] == "It arose in Numbered.__getitem__(4)."
    assert "in __getitem__" in "".join(traceback.format_exception(caught.value))


def test_processes_make_batches_in_order_and_see_what_an_epoch_changed():
    data = Numbered(workers=2, use_multiprocessing=True)
    plan = as_plan(data)
    for epoch in range(2):
        batches = list(plan)
        assert [int(x[0, 0]) for x, _ in batches] == list(range(7))
        assert {float(y[1, 0]) for _, y in batches} == {epoch}
        assert float(os.getpid()) not in {float(y[0, 0]) for _, y in batches}


def test_an_error_in_a_process_comes_with_its_traceback_even_if_it_cannot_be_sent():
    data = Numbered(fails_at=2, workers=1, use_multiprocessing=True)
    plan = as_plan(data)
    with pytest.raises(ValueError, match="no such picture") as caught:
        list(plan)
    (note,) = caught.value.__notes__
    assert (
        note.startswith("It arose in Numbered.__getitem__(2), in a process of its own:")
        and "raise ValueError(self.error)" in note
    )

    data.error = "unportable"
    with pytest.raises(RuntimeError, match="Unportable: this and that") as caught:
        list(plan)
    assert 'raise Unportable("this", "that")' in caught.value.__notes__[0]


def test_a_process_that_dies_is_no_silent_end():
    data = Numbered(fails_at=0, error="exit", workers=1, use_multiprocessing=True)
    with pytest.raises(RuntimeError, match=r"died before batch 0 came.*`if __name__ == \"__main__\":`"):
        list(as_plan(data))


def test_what_cannot_be_sent_to_a_process_is_refused_before_any_starts():
    class Here(Numbered):
        pass

    with pytest.raises(
        TypeError, match=r"hands Here to other processes, but it cannot be pickled: .*workers are threads then"
    ):
        list(as_plan(Here(workers=2, use_multiprocessing=True)))


def test_a_sequence_says_what_it_lacks():
    class Bare(pw.utils.PyDataset):
        pass

    class Short(Bare):
        def __len__(self):
            return 2

    with pytest.raises(NotImplementedError, match="Bare has no __len__: define one that returns the number of batches"):
        as_plan(Bare())
    with pytest.raises(NotImplementedError, match="Short has no __getitem__: define one"):
        list(as_plan(Short()))
    with pytest.raises(ValueError, match="Short's workers must be an integer of at least 0; got -1"):
        Short(workers=-1)
    with pytest.raises(ValueError, match="max_queue_size must be a positive integer; got 0"):
        Short(max_queue_size=0)
    with pytest.raises(ValueError, match="use_multiprocessing is True or False; got 'no'"):
        Short(use_multiprocessing="no")
    assert next(x.tolist() for x, _ in Numbered()) == [[0], [0]]


def test_the_constructor_need_not_be_called():
    class Careless(Numbered):
        def __init__(self):
            self.fails_at, self.epoch = None, 0

    assert numbers(as_plan(Careless())) == list(range(7))
