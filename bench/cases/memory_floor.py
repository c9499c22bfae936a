"""What passes over memory cost on this machine: a pass that reads an array, and one that reads one and writes another."""

import concurrent.futures
import os
import statistics
import time

import numpy as np


def passes(shape, times=15):
    """(seconds to read, seconds to copy) a float32 array of `shape`, all cores at work; medians.

    What is measured is four times as large, so that nothing of it is still in a cache.
    """
    cores = len(os.sched_getaffinity(0))
    size = 4 * int(np.prod(shape))
    source, target = np.ones(size, np.float32), np.zeros(size, np.float32)
    parts = list(zip(np.array_split(source, cores), np.array_split(target, cores)))
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:

        def median(work):
            seconds = []
            for _ in range(3 + times):
                begun = time.perf_counter()
                list(pool.map(work, parts))
                seconds.append(time.perf_counter() - begun)
            return statistics.median(seconds[3:]) / 4

        return median(lambda part: np.dot(part[0], part[0])), median(lambda part: np.copyto(part[1], part[0]))
