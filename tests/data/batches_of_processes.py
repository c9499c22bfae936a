"""Sequences of batches that other processes can import: they stand in a module of their own."""

import os

import numpy as np

from phasewise.data.py_dataset import PyDataset


class Unportable(Exception):
    """An error that cannot be pickled and made again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


class Numbered(PyDataset):
    """Batch i holds the number i and, beside it, the process that made it and the epoch."""

    def __init__(self, fails_at=None, error="no such picture", **settings):
        super().__init__(**settings)
        self.fails_at, self.error, self.epoch = fails_at, error, 0

    def __len__(self):
        return 7

    def __getitem__(self, index):
        if index == self.fails_at:
            if self.error == "unportable":
                raise Unportable("this", "that")
            if self.error == "exit":
                os._exit(1)
            raise ValueError(self.error)
        return np.full((2, 1), index, "float32"), np.array([[os.getpid()], [self.epoch]], "float32")

    def on_epoch_end(self):
        self.epoch += 1
