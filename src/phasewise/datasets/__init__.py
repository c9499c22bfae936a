"""What Keras keeps under `keras.datasets`, from files on this machine: nothing is downloaded, and no code of a file's is run."""

from phasewise.core import public
from phasewise.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

public.finish(__name__)
