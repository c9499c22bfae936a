"""How long work takes that is done again and again, without its first times."""

import statistics
import time


def median_seconds(work, times=50, before=10):
    """The median of `times` calls of `work`, after `before` calls that do not count."""
    seconds = []
    for _ in range(before + times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[before:])


def epoch_timer(library, clock=time.perf_counter):
    """A callback and the list that receives each epoch's seconds by `clock`."""
    seconds = []

    class Timer(library.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.begun = clock()

        def on_epoch_end(self, epoch, logs=None):
            seconds.append(clock() - self.begun)

    return Timer(), seconds
